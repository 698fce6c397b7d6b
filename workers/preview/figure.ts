import { mix, type Rgb } from './colour.ts'
import type { Part } from './part.ts'
import { noise } from './random.ts'
import type { Row } from './row.ts'
import type { Figure, Scene } from './scene.ts'

/** Light comes from the upper left. */
const light = { x: -0.6, y: -0.8 } as const

/** How far two places are apart whose distances tell which way an edge runs. */
const tick = 0.004

/** Where a figure is at a moment, and how it leans (radians). */
export interface Pose {
  readonly x: number
  readonly base: number
  readonly lean: number
}

const rests: Readonly<Record<Figure['rests'], (time: number, phase: number) => { lift: number; lean: number }>> = {
  ground: (time, phase) => ({ lift: 0, lean: 0.012 * Math.sin(time * 1.6 + phase) }),
  water: (time, phase) => ({ lift: 0.018 * Math.sin(time * 1.9 + phase), lean: 0.03 * Math.sin(time * 1.3 + phase) }),
  air: (time, phase) => ({ lift: 0.05 * Math.sin(time * 1.1 + phase), lean: 0.03 * Math.sin(time * 0.9 + phase) }),
}

/** Where a figure is. Still at time 0. */
export function poseFigure(figure: Figure, horizon: number, time: number): Pose {
  const isRock = figure.rests === 'water' && figure.size > 1.3
  const now = rests[isRock ? 'ground' : figure.rests](time, 0)
  const hung = figure.rests === 'air' ? figure.size * 0.45 - 0.22 : 0
  return { x: figure.x, base: horizon + figure.depth + hung + now.lift, lean: isRock ? 0 : now.lean }
}

/** How bright a part is at a place of it: 1 is its colour. */
function lightPart({ form, bevel, grain }: Part, x: number, y: number): number {
  let bright = 1.04 + (y + 0.5) * -0.1
  const depth = bevel > 0 ? -form.distance(x, y) : 0
  if (bevel > 0 && depth < bevel) {
    const dx = form.distance(x + tick, y) + depth
    const dy = form.distance(x, y + tick) + depth
    const length = Math.sqrt(dx * dx + dy * dy) || 1
    const tilt = 1 - depth / bevel
    bright += ((dx * light.x + dy * light.y) / length) * tilt * tilt * 0.34 - tilt * tilt * 0.06
  }
  if (grain > 0) bright += grain * (noise(x * 46 + 7, y * 30 + 3) * 0.65 + noise(x * 110, y * 70) * 0.35 - 0.5)
  return bright
}

function paintPart(row: Row, part: Part, figure: Figure, pose: Pose, y: number, shade: Scene['shade']): void {
  const { shape, bevel, alpha, shines } = part
  const { size, isMirrored } = figure
  const [left, top, right, bottom] = shape.box
  const [cos, sin] = [Math.cos(pose.lean), Math.sin(pose.lean)]
  const down = (y - pose.base) / size
  const slack = Math.abs(sin) * 1.3 + 0.01
  if (down < top - slack || down > bottom + slack) return
  const [from, to] = isMirrored ? [-right, -left] : [left, right]
  const pixels = row.unit * size
  const [first, end] = row.span(pose.x + (from - slack) * size, pose.x + (to + slack) * size)
  const side = isMirrored ? -1 : 1
  const [red, green, blue] = shines ? part.colour : mix(part.colour, shade.colour, shade.share)
  for (let pixel = first; pixel < end; pixel += 1) {
    const across = (row.left + pixel / row.unit - pose.x) / size
    const px = (across * cos + down * sin) * side
    const py = down * cos - across * sin
    const distance = shape.distance(px, py)
    const cover = 0.5 - distance * pixels
    if (cover <= 0) {
      // Nothing is nearer than about this.
      pixel += Math.floor(-cover * 0.4)
      continue
    }
    const soft = bevel < 0 ? Math.min(1, (distance / bevel) ** 2) : 1
    const opacity = (cover > 1 ? 1 : cover) * alpha * soft
    const bright = shines ? 1 : lightPart(part, px, py)
    // What is lit is a little warmer, what is not a little colder.
    const warm = (bright - 1) * 0.1
    row.tint(pixel, red * (bright + warm), green * bright, blue * (bright - warm), opacity)
  }
}

/** Paints what of a figure lies in a row. */
export function paintFigure(row: Row, figure: Figure, pose: Pose, y: number, shade: Scene['shade']): void {
  for (const part of figure.parts) paintPart(row, part, figure, pose, y, shade)
}

/** Paints what of a figure's shadow lies in a row: on the ground, away from the light. */
export function paintShadow(row: Row, figure: Figure, pose: Pose, y: number, colour: Rgb): void {
  if (figure.rests === 'air') return
  const half = Math.max(figure.width / 2, figure.size * 0.2) * (figure.rests === 'water' ? 1.05 : 0.95)
  const [x, flat] = [pose.x + half * 0.12, (y - pose.base - 0.005) / (0.03 + half * 0.14)]
  if (Math.abs(flat) >= 1) return
  const density = (at: number) => {
    const inside = 1 - ((at - x) / half) ** 2 - flat * flat
    return inside <= 0 ? 0 : 0.55 * inside * Math.sqrt(inside)
  }
  row.wash(colour, density, x - half, x + half)
}
