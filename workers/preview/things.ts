import { darken, lighten, mix, readHex } from './colour.ts'
import { type Drawing, type Part, part, partOn } from './part.ts'
import { blend, box, cross, cut, ellipse, join, line, outline, polygon, ring, type Shape, turned } from './shapes.ts'

const white = readHex('#f7f4ec')
const ink = readHex('#22202a')
const wood = readHex('#8a5a36')
const steel = readHex('#aab3bd')
const glow = readHex('#ffe9a8')
const leaf = readHex('#4f8f3f')

const flat = { bevel: 0 }
const thin = { bevel: 0.015 }

/** Light on something smooth. */
const shine = (shape: Shape, alpha = 0.5): Part => part(shape, white, { bevel: 0, alpha })

const bottle: Drawing = ({ main, dark, light }) => {
  const glass = turned([
    [0.07, -1],
    [0.068, -0.98],
    [0.066, -0.74],
    [0.09, -0.66],
    [0.185, -0.54],
    [0.19, -0.45],
    [0.19, -0.03],
    [0.17, 0],
  ])
  return [
    part(box(0, -1.01, 0.055, 0.05, 0.015), readHex('#c79a63'), thin),
    part(glass, mix(main, dark, 0.15), { bevel: 0.13 }),
    partOn(glass, ellipse(0.02, -0.2, 0.15, 0.3), light, { alpha: 0.2, bevel: 0.15 }),
    part(box(0, -0.96, 0.078, 0.022, 0.015), darken(main, 0.2), thin),
    partOn(glass, box(0, -0.27, 0.3, 0.125), white, { bevel: 0.13 }),
    part(ellipse(0, -0.28, 0.055, 0.055), main, flat),
    part(box(0, -0.19, 0.09, 0.009), dark, { ...flat, alpha: 0.7 }),
    shine(line(-0.135, -0.5, -0.14, -0.08, 0.014), 0.55),
    shine(line(-0.036, -0.9, -0.036, -0.76, 0.009), 0.55),
  ]
}

const apple: Drawing = ({ main, dark }) => {
  const body = blend(
    0.13,
    ellipse(-0.17, -0.46, 0.26, 0.33, 0.12),
    ellipse(0.17, -0.46, 0.26, 0.33, -0.12),
    ellipse(0, -0.32, 0.3, 0.3),
  )
  return [
    part(body, main, { bevel: 0.26, grain: 0.08 }),
    partOn(body, ellipse(0.2, -0.3, 0.2, 0.28, -0.3), dark, { alpha: 0.16, bevel: 0.2 }),
    part(ellipse(0, -0.735, 0.14, 0.045), dark, { alpha: 0.75, bevel: 0.06 }),
    part(blend(0.03, line(0, -0.73, 0.02, -0.85, 0.018), line(0.02, -0.85, 0.07, -0.95, 0.018, 0.026)), wood, thin),
    part(
      outline([
        [0.03, -0.85],
        [0.14, -0.98],
        [0.36, -0.95],
        [0.22, -0.83],
      ]),
      leaf,
      { bevel: 0.05 },
    ),
    shine(ellipse(-0.22, -0.58, 0.055, 0.11, 0.5), 0.5),
    shine(ellipse(-0.29, -0.42, 0.018, 0.04, 0.2), 0.35),
  ]
}

const lamp: Drawing = ({ main, dark }) => {
  const shade = polygon(
    [
      [-0.15, -0.96],
      [0.15, -0.96],
      [0.3, -0.56],
      [-0.3, -0.56],
    ],
    0.015,
  )
  return [
    ...[0.62, 0.48, 0.36].map((r) => part(ellipse(0, -0.66, r, r), glow, { shines: true, alpha: 0.1, bevel: -r })),
    part(ellipse(0, -0.035, 0.19, 0.04), dark),
    part(
      turned([
        [0.03, -0.6],
        [0.03, -0.45],
        [0.1, -0.3],
        [0.11, -0.18],
        [0.05, -0.1],
        [0.1, -0.05],
        [0.1, -0.03],
      ]),
      readHex('#b08a4e'),
    ),
    part(ellipse(0, -0.555, 0.3, 0.03), glow, { shines: true }),
    part(shade, mix(main, glow, 0.18), { bevel: 0.2 }),
    partOn(shade, ellipse(0, -0.6, 0.24, 0.3), glow, { shines: true, alpha: 0.55, bevel: -0.2 }),
    part(box(0, -0.955, 0.165, 0.012, 0.01), dark, thin),
  ]
}

const chair: Drawing = ({ main, dark, light }) => [
  ...[-0.2, 0.29].map((x) => part(line(x, -0.44, x + 0.02, -0.1, 0.026, 0.022), darken(main, 0.35), thin)),
  part(line(-0.27, -0.46, -0.31, -0.03, 0.032, 0.026), main, thin),
  part(line(0.2, -0.46, 0.23, -0.03, 0.032, 0.026), main, thin),
  part(line(-0.28, -0.45, -0.33, -0.99, 0.03), main, thin),
  part(line(0.04, -0.5, 0, -1.02, 0.028), darken(main, 0.2), thin),
  ...[-0.94, -0.8, -0.66].map((y) =>
    part(line(-0.32, y, 0.01, y - 0.03, 0.04), mix(main, light, 0.18), { bevel: 0.03 }),
  ),
  part(
    polygon(
      [
        [-0.3, -0.47],
        [-0.22, -0.53],
        [0.32, -0.53],
        [0.25, -0.45],
      ],
      0.03,
    ),
    mix(main, light, 0.25),
    { bevel: 0.03 },
  ),
  part(line(-0.29, -0.43, 0.23, -0.42, 0.024), dark, thin),
]

const cup: Drawing = ({ main, dark }) => [
  ...[-0.1, 0.06].map((x, i) =>
    part(
      blend(0.1, line(x, -0.78, x + 0.06, -0.9, 0.02), line(x + 0.06, -0.9, x, -1.06 - i * 0.06, 0.02, 0.006)),
      white,
      { alpha: 0.4, bevel: -0.03 },
    ),
  ),
  part(ellipse(0, -0.03, 0.44, 0.05), white),
  part(ring(0.3, -0.4, 0.14, 0.035), main, { bevel: 0.03 }),
  part(
    turned([
      [0.33, -0.68],
      [0.33, -0.66],
      [0.33, -0.4],
      [0.28, -0.14],
      [0.18, -0.06],
      [0.16, -0.05],
    ]),
    main,
    { bevel: 0.2 },
  ),
  part(ellipse(0, -0.665, 0.325, 0.06), mix(main, dark, 0.5), thin),
  part(ellipse(0, -0.655, 0.29, 0.046), readHex('#4a2c1c'), thin),
  shine(line(-0.23, -0.52, -0.2, -0.22, 0.02), 0.45),
]

const book: Drawing = ({ main, dark, light }) => [
  part(box(0.02, -0.4, 0.36, 0.46, 0.02), darken(main, 0.35)),
  part(box(0.02, -0.4, 0.34, 0.44, 0.01), white, thin),
  part(box(-0.02, -0.44, 0.36, 0.46, 0.03), main, { bevel: 0.04 }),
  part(box(-0.33, -0.44, 0.045, 0.46, 0.03), dark, thin),
  part(box(0.04, -0.6, 0.2, 0.018), light, flat),
  part(box(0.04, -0.53, 0.14, 0.012), light, flat),
  part(ring(0.04, -0.3, 0.08, 0.014), light, flat),
]

const wheel = (x: number, radius: number): Part[] => [
  ...Array.from({ length: 8 }, (_, i) => {
    const [dx, dy] = [Math.cos((i * Math.PI) / 8 + 0.2) * radius, Math.sin((i * Math.PI) / 8 + 0.2) * radius]
    return part(line(x - dx, -radius - 0.02 - dy, x + dx, -radius - 0.02 + dy, 0.0035), steel, { ...flat, alpha: 0.8 })
  }),
  part(ring(x, -radius - 0.02, radius - 0.035, 0.01), steel, thin),
  part(ring(x, -radius - 0.02, radius, 0.024), ink, thin),
  part(ellipse(x, -radius - 0.02, 0.028, 0.028), steel, thin),
]

const bicycle: Drawing = ({ main }) => {
  const [left, right, hub] = [-0.46, 0.48, -0.3]
  const tube = (x1: number, y1: number, x2: number, y2: number) =>
    part(line(x1, y1, x2, y2, 0.022), main, { bevel: 0.022 })
  return [
    ...wheel(left, 0.28),
    ...wheel(right, 0.28),
    part(join(line(left, hub, -0.08, -0.25, 0.008), line(left, hub - 0.03, -0.08, -0.34, 0.006)), ink, flat),
    tube(left, hub, -0.08, -0.29),
    tube(left, hub, -0.17, -0.66),
    tube(-0.08, -0.29, -0.19, -0.72),
    tube(-0.08, -0.29, 0.33, -0.66),
    tube(-0.17, -0.66, 0.33, -0.7),
    part(blend(0.04, line(0.32, -0.76, 0.37, -0.5, 0.022), line(0.37, -0.5, right, hub, 0.02)), main, thin),
    part(line(-0.19, -0.72, -0.205, -0.78, 0.014), steel, thin),
    part(
      blend(0.03, line(-0.32, -0.81, -0.14, -0.8, 0.04, 0.02), line(-0.2, -0.8, -0.08, -0.8, 0.018)),
      readHex('#5a3825'),
      { bevel: 0.03 },
    ),
    part(line(0.31, -0.76, 0.3, -0.84, 0.016), steel, thin),
    part(blend(0.04, line(0.3, -0.84, 0.4, -0.86, 0.016), line(0.4, -0.86, 0.45, -0.78, 0.016)), steel, thin),
    part(line(0.45, -0.78, 0.37, -0.74, 0.022), readHex('#5a3825'), thin),
    part(ring(-0.08, -0.29, 0.07, 0.012), steel, thin),
    part(join(line(-0.08, -0.29, -0.02, -0.16, 0.013), line(-0.06, -0.15, 0.03, -0.15, 0.014)), ink, thin),
  ]
}

const car: Drawing = ({ main, dark, light }) => {
  const glass = mix(readHex('#9cc4dc'), light, 0.2)
  const tyre = (x: number) => [
    part(ellipse(x, -0.13, 0.135, 0.135), ink, { bevel: 0.03 }),
    part(ellipse(x, -0.13, 0.075, 0.075), steel, { bevel: 0.03 }),
    part(ellipse(x, -0.13, 0.03, 0.03), ink, thin),
  ]
  const cabin = outline([
    [-0.42, -0.4],
    [-0.3, -0.64],
    [-0.05, -0.68],
    [0.16, -0.66],
    [0.38, -0.4],
  ])
  return [
    part(cabin, main, { bevel: 0.06 }),
    part(cut(cross(cabin, box(-0.02, -0.52, 0.28, 0.09, 0.02)), box(0, -0.5, 0.018, 0.2)), glass, thin),
    part(
      blend(0.05, box(0, -0.27, 0.68, 0.13, 0.1), ellipse(-0.3, -0.36, 0.36, 0.08), ellipse(0.3, -0.35, 0.36, 0.07)),
      main,
      { bevel: 0.1 },
    ),
    part(box(0, -0.17, 0.66, 0.02, 0.02), dark, thin),
    part(ellipse(0.64, -0.31, 0.035, 0.045), glow, { shines: true }),
    part(ellipse(-0.66, -0.31, 0.02, 0.04), readHex('#d0342c'), thin),
    part(box(-0.08, -0.34, 0.045, 0.01, 0.01), light, flat),
    ...tyre(-0.38),
    ...tyre(0.39),
  ]
}

const balloon: Drawing = ({ main, dark, light }) => {
  const skin = blend(0.1, ellipse(0, -0.68, 0.34, 0.34), line(0, -0.5, 0, -0.32, 0.2, 0.09))
  return [
    part(join(line(-0.13, -0.36, -0.07, -0.14, 0.006), line(0.13, -0.36, 0.07, -0.14, 0.006)), ink, flat),
    part(skin, main, { bevel: 0.25 }),
    partOn(skin, ellipse(0, -0.6, 0.22, 0.48), light, { bevel: 0.2 }),
    partOn(skin, ellipse(0, -0.6, 0.09, 0.48), main, { bevel: 0.1 }),
    partOn(skin, box(0, -0.36, 0.3, 0.018), dark, flat),
    part(box(0, -0.08, 0.085, 0.075, 0.02), wood, { grain: 0.4, bevel: 0.03 }),
    shine(ellipse(-0.18, -0.82, 0.04, 0.09, 0.6), 0.35),
  ]
}

const guitar: Drawing = ({ main, dark, light }) => [
  part(box(0, -0.78, 0.032, 0.24, 0.01), darken(wood, 0.35), thin),
  part(box(0, -1.03, 0.055, 0.07, 0.02), darken(main, 0.4), thin),
  part(blend(0.12, ellipse(0, -0.22, 0.25, 0.22), ellipse(0, -0.5, 0.18, 0.15)), main, { bevel: 0.07, grain: 0.15 }),
  part(ring(0, -0.4, 0.09, 0.012), light, flat),
  part(ellipse(0, -0.4, 0.08, 0.08), ink, flat),
  part(box(0, -0.17, 0.09, 0.016, 0.01), dark, thin),
  ...[-2, -1, 0, 1, 2].map((i) => part(line(i * 0.01, -0.17, i * 0.009, -1, 0.0025), lighten(steel, 0.5), flat)),
]

/** What is made by hand and stands on a table or in the street. */
export const things = { bottle, apple, lamp, chair, cup, book, bicycle, car, balloon, guitar } as const
