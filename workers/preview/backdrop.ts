import { lighten, mix, type Rgb, readHex } from './colour.ts'
import { hash, noise, roughNoise } from './random.ts'
import type { Row } from './row.ts'
import type { Scene } from './scene.ts'

/** Where a picture ends and its ground begins, and how it has moved on. */
export interface View {
  readonly top: number
  readonly bottom: number
  readonly horizon: number
  /** Seconds. */
  readonly time: number
  /** How far the camera has gone to the right. */
  readonly pan: number
}

const white = readHex('#ffffff')
const smooth = (value: number): number => {
  const inside = value < 0 ? 0 : value > 1 ? 1 : value
  return inside * inside * (3 - 2 * inside)
}

/** The colour of the sky, or of the wall, at a height. */
function pickSky({ sky: [high, middle, low] }: Scene, { top, horizon }: View, y: number): Rgb {
  const down = (y - top) / (horizon - top)
  return down < 0.55 ? mix(high, middle, smooth(down / 0.55)) : mix(middle, low, smooth((down - 0.55) / 0.45))
}

function paintStars(row: Row, { offset }: Scene, { time, pan, horizon }: View, y: number): void {
  const cell = 0.085
  const line = Math.floor(y / cell)
  // Stars lie well within their cells, so that only one line of them meets a row.
  const fade = Math.min(1, (horizon - y) * 3)
  const [first, last] = [row.left - pan * 0.1, -row.left - pan * 0.1].map((x) => Math.floor(x / cell))
  for (let column = first!; column <= last!; column += 1) {
    const luck = hash(column + Math.floor(offset), line)
    if (luck > 0.42) continue
    const x = (column + 0.2 + 0.6 * hash(column, line + 991)) * cell + pan * 0.1
    const down = y - (line + 0.2 + 0.6 * hash(column + 57, line)) * cell
    const radius = 0.0016 + 0.0052 * luck * luck * 6
    const bright = fade * (0.7 + 0.3 * Math.sin(time * 3 + luck * 90))
    row.stamp(white, bright, (at) => Math.hypot(at - x, down) - radius, x - radius * 2, x + radius * 2)
  }
}

function paintDisc(row: Row, { disc, sky }: Scene, { horizon, pan }: View, y: number): void {
  if (!disc) return
  const [x, down] = [disc.x + pan * 0.15, y - horizon + disc.height]
  const glow = disc.radius * 7
  const shine = (at: number) => 0.6 * Math.max(0, 1 - Math.hypot(at - x, down) / glow) ** 3
  if (Math.abs(down) < glow) row.wash(mix(disc.colour, sky[2], 0.25), shine, x - glow, x + glow)
  const reach = disc.radius * (1 + disc.blur)
  if (Math.abs(down) >= reach) return
  // No smaller than a pixel, or it had steps.
  const blur = Math.max(disc.radius * disc.blur, 1 / row.unit)
  const density = (at: number) => smooth((reach - Math.hypot(at - x, down)) / blur / 2)
  const [first, end] = row.span(x - reach, x + reach)
  for (let pixel = first; pixel < end; pixel += 1) row.blend(pixel, disc.colour, density(row.left + pixel / row.unit))
}

function paintClouds(row: Row, scene: Scene, { top, horizon, time, pan }: View, y: number): void {
  if (scene.clouds === 0) return
  const down = (y - top) / (horizon - top)
  const [spread, depth] = [1.5 + 2.4 * down, (y - horizon) * (3.2 + 2.5 * down)]
  const least = 0.74 - scene.clouds * 0.3
  const density = (x: number) => {
    const bump = roughNoise((x - pan * 0.2 - time * 0.03) * spread * 0.8 + scene.offset, depth + scene.offset * 2, 4)
    return smooth((bump - least) * 3.2) * 0.85 * Math.min(1, (1 - down) * 4)
  }
  row.wash(scene.cloudColour, density)
}

/** How high a row of sharp mountains is at a place, 0 to 1: noise that is folded at its middle. */
function pickPeak(x: number, line: number): number {
  const fold = (value: number) => 1 - Math.abs(value * 2 - 1)
  const large = fold(noise(x * 0.8, line))
  return 0.1 + 0.6 * large ** 1.4 + 0.24 * large * fold(noise(x * 2.3, line + 40)) + 0.06 * noise(x * 11, line + 80)
}

function paintRidges(row: Row, { ridges, offset, sky }: Scene, { horizon, pan }: View, y: number): void {
  for (const [i, { height, roughness, colour }] of ridges.entries()) {
    if (y < horizon - height * 1.15) continue
    const shift = offset + i * 37 - pan * (0.3 + 0.2 * i) * roughness
    const isRock = height > 0.35 && roughness < 4
    const pick = isRock ? pickPeak : (x: number, line: number) => roughNoise(x, line, 4)
    const crest = (x: number) => horizon - height * (0.1 + 0.9 * pick(x * roughness + shift, i * 9.7 + offset))
    const haze = mix(colour, sky[2], 0.42 * smooth((y - horizon + height) / height))
    // Rocks that are high enough carry snow.
    const isSnowy = height > 0.55
    row.wash(haze, (x) => (y - crest(x)) * 180 + 0.5)
    if (!isSnowy || y > horizon - height * 0.35) continue
    const snow = (x: number) => {
      const below = y - crest(x)
      return below < 0
        ? 0
        : 0.9 * smooth(1.3 - (below / height) * 4 - noise(x * 17, y * 13) * 0.5 - noise(x * 40, y * 26) * 0.5)
    }
    row.wash(lighten(haze, 0.7), snow)
  }
}

function paintSea(row: Row, scene: Scene, view: View, near: number): void {
  const { time, pan } = view
  const depth = 1 / (near + 0.06)
  const [far, ground] = scene.ground
  const swell = (x: number) =>
    roughNoise((x - pan) * 1.3 * (0.4 + depth * 0.26) + scene.offset, depth * 5 - time * 0.7 + scene.offset, 3)
  row.wash(lighten(mix(ground, far, 0.55), 0.12), (x) => smooth((swell(x) - 0.46) * 5) * 0.55)
  const glint = (x: number) => noise((x - pan) * (6 + depth * 3), depth * 15 - time * 1.3 + 3 * Math.sin(x * 2))
  row.wash(white, (x) => smooth((glint(x) - 0.83) * 7) * 0.3 * smooth(near * 8))
  if (!scene.disc) return
  const [x, width] = [scene.disc.x + pan * 0.15, 0.06 + Math.min(1, near) * 0.3]
  const path = (at: number) =>
    Math.max(0, 1 - Math.abs(at - x) / width) * smooth((glint(at) * 0.6 + swell(at) * 0.7 - 0.5) * 3) * 0.95
  row.wash(scene.disc.colour, path, x - width, x + width)
}

function paintSoil(row: Row, scene: Scene, { pan }: View, near: number): void {
  const depth = 1 / (near + 0.12)
  const [far, ground] = scene.ground
  const [high, low] = [lighten(mix(ground, far, 0.5), 0.16), mix(ground, readHex('#1a2030'), 0.35)]
  const strength = scene.place === 'snow' ? 0.17 : scene.place === 'street' ? 0.25 : 0.6
  const bump = (x: number) => roughNoise((x - pan) * depth * 0.9 + scene.offset, depth * 4.4 + scene.offset, 4) - 0.5
  row.wash(high, (x) => Math.max(0, bump(x)) * 2.4 * strength)
  row.wash(low, (x) => Math.max(0, -bump(x)) * 2 * strength)
  if (scene.place !== 'field' && scene.place !== 'forest') return
  const blade = (x: number) => noise((x - pan) * 60 * (0.4 + near), near * 70 * (1.3 - Math.min(0.6, near * 0.5)))
  row.wash(high, (x) => smooth((blade(x) - 0.62) * 3) * 0.32)
}

function paintGround(row: Row, scene: Scene, view: View, y: number): void {
  const near = (y - view.horizon) / 1.1
  const [far, ground] = scene.ground
  const colour = mix(far, ground, smooth(near * 1.25 + 0.05))
  row.fill(colour)
  if (scene.place === 'sea') paintSea(row, scene, view, near)
  else if (scene.place !== 'studio' && scene.place !== 'space') paintSoil(row, scene, view, near)
}

/** A wall with light on it, that runs down into the floor without a corner. */
function paintStudio(row: Row, scene: Scene, view: View, y: number): void {
  const near = smooth((y - view.horizon + 0.1) / 0.24)
  const floor = mix(scene.ground[0], scene.ground[1], smooth((y - view.horizon) / 1.3))
  row.fill(mix(pickSky(scene, view, Math.min(y, view.horizon)), floor, near))
  const [x, down] = [view.pan * 0.2 - 0.1, y - view.horizon + 0.4]
  row.wash(white, (at) => 0.34 * Math.exp(-((at - x) ** 2 + down * down) * 1.1) * (1 - near * 0.6))
}

/** Light that comes down through water. */
function paintBeams(row: Row, { offset }: Scene, { time, top, bottom }: View, y: number): void {
  const fade = 0.3 * (1 - (y - top) / (bottom - top))
  row.wash(white, (x) => fade * smooth((noise((x + (y - top) * 0.35) * 3.1 + offset, time * 0.35) - 0.45) * 2.4))
}

/** Paints all of a row that is behind the figures. */
export function paintBackdrop(row: Row, scene: Scene, view: View, y: number): void {
  if (scene.place === 'studio') {
    paintStudio(row, scene, view, y)
    return
  }
  const isGround = y > view.horizon && scene.place !== 'space'
  if (isGround) paintGround(row, scene, view, y)
  else {
    row.fill(pickSky(scene, view, Math.min(y, view.horizon)))
    if (scene.stars > 0) paintStars(row, scene, scene.place === 'space' ? { ...view, horizon: view.bottom } : view, y)
    paintDisc(row, scene, view, y)
    paintClouds(row, scene, view, y)
    paintRidges(row, scene, view, y)
  }
  // Where sky and ground meet, air lies over both.
  const band = Math.abs(y - view.horizon) / (scene.weather === 'fog' ? 0.5 : 0.1)
  const haze = scene.weather === 'fog' ? 0.8 : scene.place === 'space' ? 0 : 0.3
  if (band < 1) row.wash(scene.sky[2], () => haze * (1 - band) ** 2)
  if (scene.place === 'deep') paintBeams(row, scene, view, y)
}
