import type { View } from './backdrop.ts'
import { type Rgb, readHex } from './colour.ts'
import { hash } from './random.ts'
import type { Row } from './row.ts'
import type { Scene } from './scene.ts'

const [flake, drop]: Rgb[] = [readHex('#ffffff'), readHex('#d5dfe8')]

const wrap = (value: number, length: number): number => ((value % length) + length) % length

function paintSnow(row: Row, { offset }: Scene, { top, bottom, time, pan }: View, y: number, isNear: boolean): void {
  const height = bottom - top + 0.2
  const wide = -row.left * 2 + 0.2
  // Alike in tall and wide pictures.
  const count = Math.round((isNear ? 5 : 46) * wide * height)
  for (let i = 0; i < count; i += 1) {
    const [a, b, c] = [hash(i, offset), hash(i + 4001, offset), hash(i + 9001, offset)]
    const size = isNear ? 0.013 + 0.012 * c : 0.004 + 0.009 * c * c
    const down = y - (top - 0.1 + wrap(b * height + time * (0.16 + size * 16), height))
    if (Math.abs(down) > size) continue
    const x = wrap(a * wide + 0.05 * Math.sin(time * 1.2 + i) + pan * (0.4 + size * 40), wide) - wide / 2
    const soft = (at: number) =>
      (isNear ? 0.75 : 0.9) * Math.min(1, 2 * Math.max(0, 1 - Math.hypot(at - x, down) / size))
    const [first, end] = row.span(x - size, x + size)
    for (let pixel = first; pixel < end; pixel += 1) row.blend(pixel, flake!, soft(row.left + pixel / row.unit))
  }
}

function paintRain(row: Row, { offset }: Scene, { top, bottom, time }: View, y: number, isNear: boolean): void {
  const height = bottom - top + 0.4
  const wide = -row.left * 2 + 0.2
  const count = Math.round((isNear ? 4 : 40) * wide * height)
  for (let i = 0; i < count; i += 1) {
    const [a, b, c] = [hash(i + 77, offset), hash(i + 5003, offset), hash(i + 8009, offset)]
    const length = 0.1 + 0.12 * c
    const down = y - (top - 0.2 + wrap(b * height + time * (2.2 + c), height))
    if (Math.abs(down) > length / 2) continue
    const x = wrap(a * wide, wide) - wide / 2 - down * 0.16
    row.stamp(drop!, 0.2 + 0.25 * c, (at) => Math.abs(at - x) - 0.0022, x - 0.01, x + 0.01)
  }
}

const painters = {
  snow: paintSnow,
  rain: paintRain,
  fog(row: Row, _: Scene, { horizon }: View, y: number, isNear: boolean) {
    if (isNear) row.wash(readHex('#dfe3e1'), () => 0.16 * Math.max(0, 1 - Math.abs(y - horizon)))
  },
} as const

/** Paints what falls in a row: most of it behind the figures, a little of it (`isNear`) before them. */
export function paintWeather(row: Row, scene: Scene, view: View, y: number, isNear: boolean): void {
  if (scene.weather && scene.place !== 'deep' && scene.place !== 'space')
    painters[scene.weather](row, scene, view, y, isNear)
}
