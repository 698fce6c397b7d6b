import { darken, lighten, mix, readHex } from './colour.ts'
import { type Drawing, type Part, part, partOn } from './part.ts'
import { blend, box, cross, ellipse, join, line, outline, type Point, polygon, ring } from './shapes.ts'

const white = readHex('#f7f4ec')
const ink = readHex('#22202a')
const wood = readHex('#74492c')
const stone = readHex('#8b8780')
const glow = readHex('#ffe7a0')
const roof = readHex('#9c3f32')

const flat = { bevel: 0 }
const thin = { bevel: 0.02 }
const leaves = { bevel: 0.16, grain: 0.5 }

const tree: Drawing = ({ main, dark }, random) => {
  const puffs = Array.from({ length: 9 }, (_, i) => {
    const angle = (i / 9) * Math.PI * 2
    const size = 0.14 + random() * 0.07
    return ellipse(Math.cos(angle) * 0.25, -0.68 + Math.sin(angle) * 0.19, size, size)
  })
  return [
    part(
      blend(
        0.06,
        line(0, 0, 0, -0.5, 0.07, 0.045),
        line(0, -0.36, 0.16, -0.6, 0.03),
        line(0, -0.3, -0.17, -0.58, 0.03),
      ),
      wood,
      { grain: 0.5 },
    ),
    part(blend(0.05, ellipse(0, -0.64, 0.3, 0.22), ...puffs), dark, leaves),
    part(blend(0.05, ellipse(-0.03, -0.71, 0.25, 0.19), ...puffs.slice(4)), main, leaves),
  ]
}

const pine: Drawing = ({ main, dark }) => [
  part(line(0, 0, 0, -0.3, 0.05), wood, { grain: 0.5 }),
  ...[0, 1, 2, 3].map((i) => {
    const [half, base] = [0.34 - i * 0.07, -0.14 - i * 0.2]
    const tier = polygon(
      [
        [-half, base],
        [half, base],
        [0, base - 0.36],
      ],
      0.02,
    )
    return part(tier, mix(dark, main, 0.35 + i * 0.2), { bevel: 0.12, grain: 0.4 })
  }),
]

const cactus: Drawing = ({ main }) => [
  part(blend(0.04, line(-0.02, -0.42, -0.25, -0.42, 0.065), line(-0.25, -0.42, -0.25, -0.66, 0.065)), main, {
    grain: 0.2,
  }),
  part(blend(0.04, line(0.02, -0.3, 0.25, -0.3, 0.06), line(0.25, -0.3, 0.25, -0.58, 0.06)), main, { grain: 0.2 }),
  part(line(0, -0.02, 0, -0.88, 0.115), main, { grain: 0.2, bevel: 0.1 }),
  ...[-0.05, 0, 0.05].map((x) => part(line(x, -0.06, x, -0.88, 0.006), darken(main, 0.4), { ...flat, alpha: 0.5 })),
  part(ellipse(0, -1, 0.04, 0.03), readHex('#e86a9a'), thin),
]

const flower: Drawing = ({ main, dark }) => [
  part(blend(0.03, line(0, 0, 0.02, -0.3, 0.018), line(0.02, -0.3, 0, -0.68, 0.018)), readHex('#4d8a3c'), thin),
  part(
    outline([
      [0.01, -0.14],
      [0.14, -0.36],
      [0.36, -0.38],
      [0.2, -0.2],
    ]),
    readHex('#5a9d45'),
    { bevel: 0.05 },
  ),
  part(
    outline([
      [0.01, -0.08],
      [-0.12, -0.28],
      [-0.34, -0.28],
      [-0.2, -0.12],
    ]),
    readHex('#4d8a3c'),
    { bevel: 0.05 },
  ),
  ...Array.from({ length: 9 }, (_, i) => {
    const angle = (i / 9) * Math.PI * 2 + 0.2
    const petal = ellipse(Math.cos(angle) * 0.19, -0.74 + Math.sin(angle) * 0.19, 0.15, 0.075, angle)
    return part(petal, mix(main, dark, i % 2 ? 0 : 0.16), { bevel: 0.06 })
  }),
  part(ellipse(0, -0.74, 0.105, 0.105), readHex('#e8b13a'), { grain: 0.5 }),
]

const mushroom: Drawing = ({ main }) => {
  const cap = cross(ellipse(0, -0.5, 0.44, 0.42), box(0, -0.75, 0.5, 0.27, 0.05))
  return [
    part(blend(0.06, line(0, -0.08, 0, -0.5, 0.13, 0.1), ellipse(0, -0.08, 0.16, 0.075)), white, { grain: 0.1 }),
    part(ellipse(0, -0.49, 0.36, 0.05), readHex('#d8cbb4'), thin),
    part(cap, main, { bevel: 0.2 }),
    ...(
      [
        [-0.2, -0.64, 0.07],
        [0.05, -0.78, 0.08],
        [0.24, -0.62, 0.06],
        [0.02, -0.58, 0.05],
        [-0.34, -0.54, 0.035],
      ] as const
    ).map(([x, y, r]) => part(ellipse(x, y, r, r * 0.85), white, thin)),
  ]
}

const lighthouse: Drawing = ({ main }) => {
  const tower = polygon([
    [-0.155, -0.08],
    [0.155, -0.08],
    [0.1, -0.76],
    [-0.1, -0.76],
  ])
  return [
    ...[-1, 1].map((side) =>
      part(
        polygon([
          [0, -0.85],
          [side * 1.5, -1.12],
          [side * 1.5, -0.72],
        ]),
        glow,
        { shines: true, alpha: 0.16, bevel: -0.12 },
      ),
    ),
    part(
      outline([
        [-0.62, 0.03],
        [-0.4, -0.1],
        [-0.12, -0.14],
        [0.22, -0.12],
        [0.48, -0.05],
        [0.66, 0.03],
      ]),
      stone,
      { grain: 0.6 },
    ),
    part(tower, white, { bevel: 0.12 }),
    ...[-0.2, -0.44, -0.68].map((y) => partOn(tower, box(0, y, 0.3, 0.062), main, { bevel: 0.12 })),
    part(box(0, -0.13, 0.035, 0.055, 0.02), ink, thin),
    ...[-0.32, -0.56].map((y) => part(box(0, y, 0.02, 0.034, 0.01), readHex('#39475c'), flat)),
    part(box(0, -0.775, 0.14, 0.02, 0.01), ink, thin),
    part(box(0, -0.85, 0.072, 0.06, 0.01), glow, { shines: true }),
    part(join(...[-0.07, 0, 0.07].map((x) => line(x, -0.8, x, -0.9, 0.006))), ink, flat),
    part(
      polygon(
        [
          [-0.1, -0.91],
          [0.1, -0.91],
          [0, -1],
        ],
        0.012,
      ),
      main,
      { bevel: 0.05 },
    ),
    part(line(0, -1, 0, -1.05, 0.008), ink, flat),
    ...[0.2, 0.13].map((r) => part(ellipse(0, -0.85, r, r), glow, { shines: true, alpha: 0.28, bevel: -r })),
  ]
}

const boat: Drawing = ({ main, light }) => {
  const hull = outline([
    [-0.52, -0.2],
    [-0.5, -0.2],
    [0.5, -0.22],
    [0.6, -0.24],
    [0.42, -0.02],
    [0.3, 0.02],
    [-0.3, 0.02],
    [-0.42, -0.02],
  ])
  return [
    part(line(0, -0.2, 0, -1, 0.016), wood, thin),
    part(
      polygon(
        [
          [0.035, -0.98],
          [0.035, -0.28],
          [0.46, -0.3],
        ],
        0.012,
      ),
      white,
      { bevel: 0.1 },
    ),
    part(
      polygon(
        [
          [-0.035, -0.92],
          [-0.035, -0.28],
          [-0.38, -0.3],
        ],
        0.012,
      ),
      mix(white, light, 0.35),
      { bevel: 0.1 },
    ),
    part(hull, main, { bevel: 0.1 }),
    partOn(hull, box(0, -0.17, 0.7, 0.022), white, flat),
    part(
      polygon([
        [0.008, -1],
        [0.008, -1.08],
        [0.14, -1.04],
      ]),
      readHex('#d8443c'),
      flat,
    ),
  ]
}

const house: Drawing = ({ main, dark }) => {
  const glass = (x: number): Part[] => [
    part(box(x, -0.27, 0.095, 0.095, 0.01), white, thin),
    part(box(x, -0.27, 0.075, 0.075), glow, { shines: true }),
    part(join(line(x, -0.35, x, -0.19, 0.007), line(x - 0.08, -0.27, x + 0.08, -0.27, 0.007)), white, flat),
  ]
  return [
    part(box(0.24, -0.78, 0.055, 0.14), stone, { grain: 0.5, bevel: 0.03 }),
    part(box(0, -0.24, 0.42, 0.24), main, { bevel: 0.04, grain: 0.08 }),
    part(
      polygon(
        [
          [-0.52, -0.46],
          [0.52, -0.46],
          [0, -0.9],
        ],
        0.015,
      ),
      mix(roof, dark, 0.2),
      { bevel: 0.05, grain: 0.3 },
    ),
    part(ellipse(0, -0.6, 0.06, 0.06), glow, { shines: true }),
    ...glass(-0.25),
    ...glass(0.25),
    part(box(0, -0.15, 0.075, 0.15, 0.02), wood, { bevel: 0.03, grain: 0.3 }),
    part(ellipse(0.045, -0.14, 0.012, 0.012), glow, flat),
  ]
}

const city: Drawing = ({ main, dark }, random) =>
  Array.from({ length: 9 }, (_, i): Part[] => {
    const isFront = i > 4
    const x = isFront ? -0.62 + (i - 5) * 0.41 + random() * 0.06 : -0.72 + i * 0.36
    const [half, height] = [0.11 + random() * 0.06, isFront ? 0.35 + random() * 0.5 : 0.6 + random() * 0.45]
    const wall = isFront ? main : mix(dark, main, 0.45)
    const windows = Array.from({ length: 5 * Math.floor(height / 0.075) }, (_, k): Part | null => {
      const at: Point = [x + ((k % 5) - 2) * half * 0.36, -height + 0.06 + Math.floor(k / 5) * 0.075]
      return random() < 0.55 && at[1] < -0.05
        ? part(box(...at, half * 0.11, 0.02), glow, { ...flat, shines: true, alpha: 0.85 })
        : null
    })
    return [
      part(box(x, -height / 2, half, height / 2), wall, { bevel: 0.05 }),
      part(line(x, -height, x, -height - random() * 0.12, 0.006), dark, flat),
      ...windows.filter((pane) => pane !== null),
    ]
  }).flat()

const snowman: Drawing = ({ main }) => [
  part(join(line(-0.2, -0.52, -0.44, -0.7, 0.014), line(0.2, -0.52, 0.44, -0.66, 0.014)), wood, thin),
  part(ellipse(0, -0.22, 0.28, 0.24), white, { bevel: 0.24 }),
  part(ellipse(0, -0.54, 0.21, 0.19), white, { bevel: 0.19 }),
  part(ellipse(0, -0.8, 0.155, 0.145), white, { bevel: 0.14 }),
  part(join(line(-0.15, -0.68, 0.15, -0.68, 0.036), line(0.1, -0.66, 0.13, -0.46, 0.034)), main, { bevel: 0.03 }),
  ...[-0.6, -0.5].map((y) => part(ellipse(0, y, 0.018, 0.018), ink, thin)),
  ...[-0.05, 0.05].map((x) => part(ellipse(x, -0.84, 0.017, 0.019), ink, thin)),
  part(line(0, -0.79, 0.12, -0.775, 0.024, 0.006), readHex('#e8802f'), thin),
  part(join(box(0, -0.93, 0.17, 0.016, 0.01), box(0, -1.01, 0.105, 0.09, 0.01)), ink, { bevel: 0.03 }),
]

/** What nobody has a word for: stones of the seed's own, one on the other, and a ring behind. */
const sculpture: Drawing = ({ main, light, dark }, random) => {
  const shades = [main, mix(main, light, 0.4), mix(main, dark, 0.35), lighten(main, 0.75)]
  let top = 0
  const stones = Array.from({ length: 3 + Math.floor(random() * 2) }, (_, i) => {
    const [half, high] = [0.33 - i * 0.055 + random() * 0.06, 0.11 + random() * 0.08]
    const stone = ellipse((random() - 0.5) * 0.16, top - high, half, high, (random() - 0.5) * 0.24)
    top -= high * 1.86
    return part(stone, shades[i % shades.length]!, { bevel: 0.16, grain: 0.3 })
  })
  const radius = 0.3 + random() * 0.12
  const halo = part(ring((random() - 0.5) * 0.3, -0.6, radius, 0.022), mix(light, glow, 0.5), { bevel: 0.02 })
  const ball = part(ellipse((random() - 0.5) * 0.06, top - 0.1, 0.11, 0.11), glow, { bevel: 0.11 })
  return [halo, ...stones, ball]
}

/** What stands in a landscape, and what stands for anything else. */
export const landmarks = {
  ...{ tree, pine, cactus, flower, mushroom, lighthouse, boat, house, city, snowman, sculpture },
} as const
