/** Signed distance to a shape's edge, negative inside; y grows downwards. */
export type Distance = (x: number, y: number) => number

/** A shape and the box that it lies in: left, top, right, bottom. */
export interface Shape {
  readonly distance: Distance
  readonly box: readonly [number, number, number, number]
}

/** A point of a polygon or path. */
export type Point = readonly [x: number, y: number]

const clamp01 = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value)

/** An ellipse, turned by `angle` (radians, clockwise). */
export function ellipse(cx: number, cy: number, rx: number, ry: number, angle = 0): Shape {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const reach = angle === 0 ? null : Math.max(rx, ry)
  return {
    box: [cx - (reach ?? rx), cy - (reach ?? ry), cx + (reach ?? rx), cy + (reach ?? ry)],
    distance(x, y) {
      const dx = x - cx
      const dy = y - cy
      const px = (dx * cos + dy * sin) / rx
      const py = (dy * cos - dx * sin) / ry
      const far = Math.sqrt(px * px + py * py)
      const slope = Math.sqrt((px * px) / (rx * rx) + (py * py) / (ry * ry))
      return slope === 0 ? -Math.min(rx, ry) : (far * (far - 1)) / slope
    },
  }
}

/** A box by its middle and half its sides, with rounded corners. */
export function box(cx: number, cy: number, halfWidth: number, halfHeight: number, round = 0): Shape {
  return {
    box: [cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight],
    distance(x, y) {
      const dx = Math.abs(x - cx) - halfWidth + round
      const dy = Math.abs(y - cy) - halfHeight + round
      const outside = Math.sqrt(Math.max(dx, 0) ** 2 + Math.max(dy, 0) ** 2)
      return outside + Math.min(Math.max(dx, dy), 0) - round
    },
  }
}

/** A round-ended line that may grow thinner. */
export function line(x1: number, y1: number, x2: number, y2: number, r1: number, r2 = r1): Shape {
  const [vx, vy] = [x2 - x1, y2 - y1]
  const square = vx * vx + vy * vy || 1
  const reach = Math.max(r1, r2)
  return {
    box: [Math.min(x1, x2) - reach, Math.min(y1, y2) - reach, Math.max(x1, x2) + reach, Math.max(y1, y2) + reach],
    distance(x, y) {
      const along = clamp01(((x - x1) * vx + (y - y1) * vy) / square)
      const dx = x - x1 - vx * along
      const dy = y - y1 - vy * along
      return Math.sqrt(dx * dx + dy * dy) - r1 - (r2 - r1) * along
    },
  }
}

/** A circle's outline, or the part of it between two angles (radians, clockwise from the right). */
export function ring(cx: number, cy: number, radius: number, half: number, from = 0, to = Math.PI * 2): Shape {
  const reach = radius + half
  const ends = [from, to].map((angle): Point => [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)])
  const isWhole = to - from >= Math.PI * 2
  return {
    box: [cx - reach, cy - reach, cx + reach, cy + reach],
    distance(x, y) {
      const turn = Math.PI * 2
      const angle = (((Math.atan2(y - cy, x - cx) - from) % turn) + turn) % turn
      if (isWhole || angle <= to - from) return Math.abs(Math.hypot(x - cx, y - cy) - radius) - half
      return Math.min(...ends.map(([ex, ey]) => Math.hypot(x - ex, y - ey))) - half
    },
  }
}

/** A polygon, with its corners rounded outwards. */
export function polygon(points: readonly Point[], round = 0): Shape {
  const count = points.length
  // Where each edge begins, where it goes, and one by its length's square: tuples in this loop would cost most of it.
  const edges = new Float64Array(count * 5)
  for (const [i, [x, y]] of points.entries()) {
    const [nx, ny] = points[(i + 1) % count]!
    edges.set([x, y, nx - x, ny - y, 1 / ((nx - x) ** 2 + (ny - y) ** 2)], i * 5)
  }
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  const [left, top, right, bottom] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
  return {
    box: [left - round, top - round, right + round, bottom + round],
    distance(x, y) {
      const far = Math.max(left - x, x - right, top - y, y - bottom)
      // Far outside it is enough that nothing is nearer.
      if (far > 0.03 + round) return far - round
      let nearest = Number.POSITIVE_INFINITY
      let isInside = false
      for (let at = 0; at < edges.length; at += 5) {
        const wx = x - edges[at]!
        const wy = y - edges[at + 1]!
        const ex = edges[at + 2]!
        const ey = edges[at + 3]!
        const along = clamp01((wx * ex + wy * ey) * edges[at + 4]!)
        const dx = wx - ex * along
        const dy = wy - ey * along
        const square = dx * dx + dy * dy
        if (square < nearest) nearest = square
        // Whether a ray to the right crosses this edge.
        if (wy < 0 !== wy - ey < 0 && ex * wy * Math.sign(ey) > wx * Math.abs(ey)) isInside = !isInside
      }
      return (isInside ? -1 : 1) * Math.sqrt(nearest) - round
    },
  }
}

const boundAll = (shapes: readonly Shape[], by: number): Shape['box'] => [
  Math.min(...shapes.map(({ box }) => box[0])) - by,
  Math.min(...shapes.map(({ box }) => box[1])) - by,
  Math.max(...shapes.map(({ box }) => box[2])) + by,
  Math.max(...shapes.map(({ box }) => box[3])) + by,
]

/** Shapes grown together, as limbs are: within `soft` of each other they flow into one. */
export function blend(soft: number, ...shapes: readonly Shape[]): Shape {
  const all = shapes.map(({ distance }) => distance)
  return {
    box: boundAll(shapes, soft / 4),
    distance(x, y) {
      let sum = all[0]!(x, y)
      for (let i = 1; i < all.length; i += 1) {
        const next = all[i]!(x, y)
        const near = Math.max(soft - Math.abs(sum - next), 0)
        sum = Math.min(sum, next) - (near * near) / (4 * soft)
      }
      return sum
    },
  }
}

/** Several shapes as one, each as it is. */
export function join(...shapes: readonly Shape[]): Shape {
  const all = shapes.map(({ distance }) => distance)
  return {
    box: boundAll(shapes, 0),
    distance(x, y) {
      let least = Number.POSITIVE_INFINITY
      for (const distance of all) least = Math.min(least, distance(x, y))
      return least
    },
  }
}

/** What of a shape lies in another one too. */
export const cross = (one: Shape, other: Shape): Shape => ({
  box: one.box,
  distance: (x, y) => Math.max(one.distance(x, y), other.distance(x, y)),
})

/** A shape without another one. */
export const cut = (one: Shape, other: Shape): Shape => ({
  box: one.box,
  distance: (x, y) => Math.max(one.distance(x, y), -other.distance(x, y)),
})

/** A closed outline through points: corners become curves (Chaikin's, three times). */
export function outline(points: readonly Point[]): Shape {
  let path = points
  for (let pass = 0; pass < 3; pass += 1) {
    path = path.flatMap(([x, y], i): Point[] => {
      const [nx, ny] = path[(i + 1) % path.length]!
      return [
        [x * 0.75 + nx * 0.25, y * 0.75 + ny * 0.25],
        [x * 0.25 + nx * 0.75, y * 0.25 + ny * 0.75],
      ]
    })
  }
  return polygon(path)
}

/** The outline of a thing that is turned on a wheel: half its width at heights from the top to the base. */
export const turned = (profile: readonly Point[]): Shape =>
  outline([...profile.map(([half, y]): Point => [half, y]), ...profile.map(([half, y]): Point => [-half, y]).reverse()])
