import type { Plane } from './pictures.ts'

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** A part of a picture, a quarter of its shorter side at least. */
export function drawBox({ width, height }: Pick<Plane, 'width' | 'height'>, random: () => number): Box {
  const shorter = Math.min(width, height)
  const [w, h] = [0, 0].map(() => Math.floor(shorter * (0.25 + 0.75 * random())))
  return {
    left: Math.floor(random() * (width - w! + 1)),
    top: Math.floor(random() * (height - h! + 1)),
    width: w!,
    height: h!,
  }
}

/** Whether nothing of a mask lies in a box, nor within `margin` of it. */
export function isBeside({ data, width, height }: Plane, box: Box, margin: number): boolean {
  const bottom = Math.min(height, box.top + box.height + margin)
  const right = Math.min(width, box.left + box.width + margin)
  for (let y = Math.max(0, box.top - margin); y < bottom; y += 1) {
    for (let x = Math.max(0, box.left - margin); x < right; x += 1) if (data[y * width + x]! > 0) return false
  }
  return true
}

/** The largest of many boxes that lie beside what a mask covers, `least` pixels wide and high; none if there is no room. */
export function findGround(mask: Plane, random: () => number, least = 96): Box | undefined {
  let best: Box | undefined
  for (let tries = 0; tries < 80; tries += 1) {
    const box = drawBox(mask, random)
    if (Math.min(box.width, box.height) < least) continue
    if (best && box.width * box.height <= best.width * best.height) continue
    if (isBeside(mask, box, 12)) best = box
  }
  return best
}
