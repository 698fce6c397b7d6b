import { join } from 'node:path'
import sharp from 'sharp'
import { root } from './bundle.ts'

export const width = 1280
export const height = 960

/** A foreground on a ground with the alpha that it was mixed by: what a cut-out should find. */
export interface Composite {
  readonly name: string
  /** 0 to 255, `width * height`. */
  readonly alpha: Uint8Array
  /** The foreground alone, RGB. */
  readonly foreground: Uint8Array
  /** Both, RGBA, opaque. */
  readonly pixels: Uint8Array<ArrayBuffer>
}

/** Strands that leave a head in all directions upwards. */
function drawHair(): string {
  const at = (angle: number, far: number, centre: number) => Math.round(centre + angle * far)
  return Array.from({ length: 90 }, (_, i) => {
    const angle = Math.PI * (1 + i / 90)
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    const root = `${at(cos, 210, 640)} ${at(sin, 210, 560)}`
    const bend = `${at(cos, 320, 640)} ${at(sin, 320, 560)}`
    const tip = `${at(Math.cos(angle + 0.1), 400, 640)} ${at(Math.sin(angle + 0.1), 380, 560)}`
    return `<path d="M${root} Q${bend} ${tip}" stroke="white" stroke-width="${1.2 + (i % 4) * 0.6}" fill="none"/>`
  }).join('')
}

/** Drawings with a hard edge, a soft one, strands and corners. */
const shapes: Readonly<Record<string, string>> = {
  disc: '<circle cx="640" cy="480" r="300" fill="white"/>',
  'soft disc':
    '<filter id="f"><feGaussianBlur stdDeviation="6"/></filter>' +
    '<circle cx="640" cy="480" r="300" fill="white" filter="url(#f)"/>',
  hair: `<circle cx="640" cy="560" r="220" fill="white"/>${drawHair()}`,
  star: '<path fill="white" d="M640 120 740 380 1010 390 800 560 880 830 640 680 400 830 480 560 270 390 540 380Z"/>',
}
/** Photographs for the foreground's texture and for the ground. */
const pairs = [
  ['flower', 'landscape'],
  ['capsule', 'tower'],
  ['lantern', 'lantern'],
] as const

const readPhoto = (name: string) =>
  sharp(join(root, 'test/fixtures/photos', `${name}.jpg`)).resize(width, height, { fit: 'cover' })

/** Every drawing on every pair of photographs. */
export async function* drawComposites(): AsyncGenerator<Composite> {
  for (const [shape, drawing] of Object.entries(shapes)) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%"/>${drawing}</svg>`
    const alpha = new Uint8Array(await sharp(Buffer.from(svg)).removeAlpha().extractChannel(0).raw().toBuffer())
    for (const [front, back] of pairs) {
      const foreground = await readPhoto(front).modulate({ brightness: 0.9 }).removeAlpha().raw().toBuffer()
      const ground = await readPhoto(back).flop().removeAlpha().raw().toBuffer()
      const pixels = new Uint8Array(width * height * 4).fill(255)
      for (const [i, value] of alpha.entries()) {
        for (let c = 0; c < 3; c += 1) {
          const share = value / 255
          pixels[i * 4 + c] = Math.round(foreground[i * 3 + c]! * share + ground[i * 3 + c]! * (1 - share))
        }
      }
      yield { name: `${shape}, ${front} on ${back}`, alpha, foreground, pixels }
    }
  }
}
