import { darken, mix, type Rgb, readHex } from './colour.ts'
import { type Drawing, type Part, part, partOn } from './part.ts'
import { blend, box, cross, ellipse, join, line, outline, polygon, type Shape } from './shapes.ts'

const white = readHex('#f6f1e8')
const ink = readHex('#1d1a22')
const rose = readHex('#d98d86')
const beak = readHex('#e9a13b')

const fur = { grain: 0.16, bevel: 0.11 }
const smooth = { bevel: 0.03 }

/** A round eye with a light in it. */
const eye = (x: number, y: number, radius: number): Part[] => [
  part(ellipse(x, y, radius, radius), ink, smooth),
  part(ellipse(x + radius * 0.3, y - radius * 0.35, radius * 0.32, radius * 0.32), white, { bevel: 0 }),
]

/** An ear: a triangle with round corners, and a smaller one in it. */
function ear(x: number, y: number, lean: number, size: number, colour: Rgb, inner: Rgb): Part[] {
  const triangle = (by: number) =>
    polygon(
      [
        [x - size * 0.42 * by, y],
        [x + size * 0.42 * by, y],
        [x + lean, y - size * by],
      ],
      0.012,
    )
  return [part(triangle(1), colour, fur), part(triangle(0.62), inner, smooth)]
}

const fox: Drawing = ({ main, dark }) => {
  const tail = blend(0.1, line(-0.1, -0.09, -0.4, -0.1, 0.07, 0.13), line(-0.4, -0.1, -0.6, -0.34, 0.13, 0.035))
  const head = blend(0.07, ellipse(0.13, -0.74, 0.17, 0.145), line(0.2, -0.7, 0.4, -0.645, 0.085, 0.03))
  const body = blend(0.16, ellipse(-0.07, -0.24, 0.21, 0.25), ellipse(0.05, -0.48, 0.145, 0.22, 0.25))
  const sock = mix(dark, ink, 0.45)
  return [
    part(tail, main, fur),
    partOn(tail, ellipse(-0.64, -0.38, 0.17, 0.19), white, fur),
    ...ear(0.17, -0.84, 0.03, 0.2, dark, ink),
    part(line(0.15, -0.4, 0.21, -0.04, 0.065, 0.045), darken(main, 0.2), fur),
    part(line(0.195, -0.13, 0.21, -0.04, 0.052, 0.045), sock, fur),
    part(body, main, fur),
    part(
      outline([
        [0.07, -0.66],
        [0.23, -0.56],
        [0.2, -0.36],
        [0.13, -0.24],
        [0.07, -0.4],
      ]),
      white,
      fur,
    ),
    part(line(0.07, -0.38, 0.1, -0.04, 0.07, 0.045), main, fur),
    part(line(0.092, -0.14, 0.1, -0.04, 0.056, 0.047), sock, fur),
    part(ellipse(0.12, -0.03, 0.065, 0.032), sock, smooth),
    part(ellipse(0.235, -0.03, 0.06, 0.03), sock, smooth),
    part(ellipse(-0.11, -0.17, 0.18, 0.165), main, fur),
    part(ellipse(-0.04, -0.035, 0.13, 0.036), mix(main, sock, 0.4), smooth),
    ...ear(0.05, -0.83, -0.03, 0.22, main, ink),
    part(head, main, fur),
    partOn(head, blend(0.05, ellipse(0.13, -0.61, 0.15, 0.085), line(0.16, -0.63, 0.42, -0.61, 0.05)), white, fur),
    part(ellipse(0.415, -0.66, 0.032, 0.026), ink, smooth),
    ...eye(0.21, -0.755, 0.026),
  ]
}

/** An animal that sits and looks at us: its ears, and what else it wears in its face, differ. */
function sit(ears: (main: Rgb, dark: Rgb) => Part[], face: Part[], tail: Shape | null, muzzle: Rgb): Drawing {
  return ({ main, dark }) => [
    ...(tail ? [part(tail, darken(main, 0.15), fur)] : []),
    part(blend(0.14, ellipse(0, -0.25, 0.25, 0.25), ellipse(0, -0.48, 0.17, 0.2)), main, fur),
    part(ellipse(0, -0.36, 0.12, 0.2), mix(main, muzzle, 0.75), fur),
    part(ellipse(-0.19, -0.15, 0.12, 0.14), main, fur),
    part(ellipse(0.19, -0.15, 0.12, 0.14), main, fur),
    ...[-1, 1].flatMap((side) => [
      part(line(side * 0.085, -0.38, side * 0.075, -0.05, 0.065, 0.055), main, fur),
      part(ellipse(side * 0.085, -0.035, 0.075, 0.04), mix(main, muzzle, 0.6), smooth),
    ]),
    ...ears(main, dark),
    part(ellipse(0, -0.73, 0.22, 0.185), main, fur),
    part(blend(0.04, ellipse(-0.05, -0.655, 0.07, 0.055), ellipse(0.05, -0.655, 0.07, 0.055)), muzzle, fur),
    ...eye(-0.095, -0.765, 0.034),
    ...eye(0.095, -0.765, 0.034),
    ...face,
  ]
}

const nose = (half: number, colour: Rgb): Part => part(ellipse(0, -0.695, half, half * 0.7), colour, smooth)
const whiskers = [-1, 1].flatMap((side) =>
  [-0.02, 0.02].map((lift) =>
    part(line(side * 0.09, -0.66 + lift / 2, side * 0.27, -0.66 + lift * 2, 0.004), white, { alpha: 0.8, bevel: 0 }),
  ),
)

const cat = sit(
  (main) => [...ear(-0.14, -0.83, -0.05, 0.2, main, rose), ...ear(0.14, -0.83, 0.05, 0.2, main, rose)],
  [nose(0.026, rose), ...whiskers],
  blend(0.06, line(0.2, -0.06, 0.44, -0.12, 0.05), line(0.44, -0.12, 0.46, -0.34, 0.05, 0.035)),
  white,
)

const dog = sit(
  (_, dark) => [-1, 1].map((side) => part(ellipse(side * 0.215, -0.7, 0.075, 0.17, side * -0.25), dark, fur)),
  [nose(0.045, ink), part(ellipse(0, -0.61, 0.03, 0.035), rose, smooth)],
  line(0.22, -0.1, 0.42, -0.3, 0.05, 0.025),
  white,
)

const bear = sit(
  (main, dark) =>
    [-1, 1].flatMap((side) => [
      part(ellipse(side * 0.17, -0.87, 0.075, 0.075), main, fur),
      part(ellipse(side * 0.17, -0.87, 0.042, 0.042), dark, smooth),
    ]),
  [nose(0.04, ink)],
  null,
  readHex('#d8b48a'),
)

const rabbit = sit(
  (main) =>
    [-1, 1].flatMap((side) => [
      part(ellipse(side * 0.09, -1.02, 0.06, 0.22, side * 0.16), main, fur),
      part(ellipse(side * 0.09, -1.02, 0.03, 0.15, side * 0.16), rose, smooth),
    ]),
  [nose(0.025, rose), ...whiskers],
  ellipse(0.27, -0.14, 0.09, 0.09),
  white,
)

const bird: Drawing = ({ main, dark, light }) => [
  part(join(line(-0.02, -0.2, -0.03, -0.02, 0.014), line(0.09, -0.2, 0.1, -0.02, 0.014)), beak, smooth),
  part(join(line(-0.08, -0.015, 0.02, -0.015, 0.014), line(0.05, -0.015, 0.15, -0.015, 0.014)), beak, smooth),
  part(line(-0.2, -0.32, -0.6, -0.2, 0.08, 0.045), dark, fur),
  part(
    polygon(
      [
        [0.32, -0.72],
        [0.47, -0.66],
        [0.32, -0.62],
      ],
      0.012,
    ),
    beak,
    smooth,
  ),
  part(blend(0.12, ellipse(0, -0.38, 0.27, 0.22, -0.4), ellipse(0.2, -0.66, 0.16, 0.15)), main, fur),
  part(ellipse(0.13, -0.36, 0.14, 0.17, 0.5), light, fur),
  part(blend(0.06, ellipse(-0.09, -0.4, 0.19, 0.12, -0.35), line(-0.1, -0.36, -0.38, -0.26, 0.09, 0.02)), dark, fur),
  ...eye(0.25, -0.69, 0.028),
]

const fish: Drawing = ({ main, dark, light }) => {
  const body = blend(0.1, ellipse(0.08, -0.5, 0.36, 0.21), line(-0.2, -0.5, -0.36, -0.5, 0.08, 0.04))
  return [
    part(
      outline([
        [-0.3, -0.5],
        [-0.62, -0.78],
        [-0.54, -0.5],
        [-0.62, -0.24],
      ]),
      dark,
    ),
    part(
      outline([
        [-0.15, -0.66],
        [0.1, -0.88],
        [0.25, -0.66],
      ]),
      dark,
    ),
    part(
      outline([
        [-0.05, -0.34],
        [-0.02, -0.18],
        [0.16, -0.32],
      ]),
      dark,
    ),
    part(body, main, { grain: 0.1, bevel: 0.12 }),
    partOn(body, ellipse(0.1, -0.34, 0.34, 0.11), light, { alpha: 0.7 }),
    ...[-0.12, 0.06].map((x) => partOn(body, line(x, -0.75, x - 0.04, -0.25, 0.028), white, { alpha: 0.85 })),
    part(
      outline([
        [0.1, -0.48],
        [-0.08, -0.4],
        [0.08, -0.36],
      ]),
      dark,
    ),
    part(ellipse(0.31, -0.56, 0.05, 0.05), white, smooth),
    ...eye(0.318, -0.56, 0.03),
  ]
}

const person: Drawing = ({ main, dark }) => {
  const skin = readHex('#c68a64')
  const trousers = readHex('#34405a')
  return [
    ...[-1, 1].flatMap((side) => [
      part(line(side * 0.055, -0.46, side * 0.075, -0.05, 0.06, 0.045), trousers),
      part(ellipse(side * 0.09, -0.025, 0.075, 0.03), ink, smooth),
      part(line(side * 0.13, -0.72, side * 0.2, -0.44, 0.048, 0.036), dark),
      part(ellipse(side * 0.205, -0.415, 0.036, 0.04), skin, smooth),
    ]),
    part(box(0, -0.62, 0.135, 0.18, 0.08), main, { bevel: 0.1 }),
    part(line(0, -0.8, 0, -0.86, 0.04), darken(skin, 0.15), smooth),
    part(ellipse(0, -0.91, 0.085, 0.1), skin),
    part(cross(ellipse(0, -0.925, 0.1, 0.105), box(0, -1, 0.14, 0.062)), readHex('#3a2620'), fur),
    ...eye(-0.032, -0.905, 0.012),
    ...eye(0.032, -0.905, 0.012),
  ]
}

const robot: Drawing = ({ main, dark, light }) => {
  const lamp = readHex('#8ff0ff')
  return [
    part(line(0, -0.9, 0, -1.04, 0.012), dark, smooth),
    part(ellipse(0, -1.06, 0.035, 0.035), beak, smooth),
    ...[-1, 1].flatMap((side) => [
      part(box(side * 0.12, -0.13, 0.06, 0.12, 0.03), dark),
      part(box(side * 0.13, -0.03, 0.1, 0.035, 0.03), main),
      part(line(side * 0.25, -0.5, side * 0.35, -0.28, 0.04), dark),
      part(ellipse(side * 0.36, -0.24, 0.055, 0.055), main),
    ]),
    part(box(0, -0.39, 0.24, 0.19, 0.07), main),
    part(box(0, -0.38, 0.12, 0.08, 0.03), light, smooth),
    part(ellipse(0.06, -0.38, 0.025, 0.025), readHex('#e2504a'), smooth),
    part(box(0, -0.74, 0.25, 0.17, 0.08), main),
    part(box(0, -0.75, 0.19, 0.095, 0.05), ink, smooth),
    part(ellipse(-0.085, -0.75, 0.04, 0.045), lamp, { shines: true }),
    part(ellipse(0.085, -0.75, 0.04, 0.045), lamp, { shines: true }),
  ]
}

/** Who lives. */
export const animals = { fox, cat, dog, bear, rabbit, bird, fish, person, robot } as const
