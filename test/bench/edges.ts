import sharp from 'sharp'
import { defaultMatteModel } from '../../models/index.ts'
import { createAlphaRows, type DrawAlpha, type Matte } from '../../workers/matte/alpha.ts'
import { type EdgeColours, estimateEdgeColours, removeGround } from '../../workers/matte/decontaminate.ts'
import { createGuide } from '../../workers/matte/guided-filter.ts'
import { orient } from '../../workers/matte/picture.ts'
import { Stretch } from '../../workers/matte/stretch.ts'
import { createInput } from '../../workers/matte/tensor.ts'
import { type Composite, drawComposites, height, width } from './composites.ts'
import { type Bench, type Row, round } from './table.ts'

const { input } = defaultMatteModel
const { size } = input
const grounds = { black: [0, 0, 0], white: [255, 255, 255], green: [0, 177, 64] } as const
type Figures = Record<string, number>

/** The matte that a perfect model would give at its size, or one as soft as models are. */
async function shrink(alpha: Uint8Array, sigma: number): Promise<Matte> {
  const small = sharp(alpha, { raw: { width, height, channels: 1 } }).resize(size, size, { fit: 'fill' })
  const sharpMatte = await small.extractChannel(0).raw().toBuffer()
  if (sigma === 0) return { alpha: new Uint8Array(sharpMatte), size }
  const raw = { width: size, height: size, channels: 1 } as const
  return {
    alpha: new Uint8Array(await sharp(sharpMatte, { raw }).blur(sigma).extractChannel(0).raw().toBuffer()),
    size,
  }
}

function drawAll(draw: DrawAlpha): Uint8Array {
  const alpha = new Uint8Array(width * height)
  for (let y = 0; y < height; y += 1) draw(y, alpha.subarray(y * width, (y + 1) * width))
  return alpha
}

/** Sum of absolute differences and gradient error of alpha, in thousands (Rhemann et al., CVPR 2009, without the blur). */
function measureAlpha(seen: Uint8Array, truth: Uint8Array): Figures {
  let [sad, gradient] = [0, 0]
  for (let y = 1; y < height - 1; y += 1) {
    for (let i = y * width + 1; i < (y + 1) * width - 1; i += 1) {
      sad += Math.abs(seen[i]! - truth[i]!) / 255
      const across = seen[i + 1]! - seen[i - 1]! - truth[i + 1]! + truth[i - 1]!
      const down = seen[i + width]! - seen[i - width]! - truth[i + width]! + truth[i - width]!
      gradient += (across * across + down * down) / 255 ** 2
    }
  }
  return { SAD: sad / 1000, gradient: gradient / 1000 }
}

/** Mean error of the cut-out on three grounds, 0 to 255, where either alpha is soft or they disagree. */
function measureColours(composite: Composite, seen: Uint8Array, edges: EdgeColours | null): Figures {
  const { alpha: truth, foreground, pixels } = composite
  const stretch = new Stretch(size, width, height)
  const mixed = new Float32Array(6)
  const errors: Figures = {}
  let count = 0
  for (const [i, alpha] of seen.entries()) {
    const isPlain = (value: number) => value === 0 || value === 255
    if (alpha === truth[i] && isPlain(alpha)) continue
    count += 3
    if (edges) stretch.readPixel(edges.colours, i % width, Math.floor(i / width), mixed)
    for (let c = 0; c < 3; c += 1) {
      const shown = pixels[i * 4 + c]!
      const colour = edges && !isPlain(alpha) ? removeGround(shown, alpha / 255, mixed[c]!, mixed[c + 3]!) : shown
      for (const [name, ground] of Object.entries(grounds)) {
        const flat = (value: number, share: number) => (value * share + ground[c]! * (255 - share)) / 255
        errors[name] = (errors[name] ?? 0) + Math.abs(flat(colour, alpha) - flat(foreground[i * 3 + c]!, truth[i]!))
      }
    }
  }
  return Object.fromEntries(Object.entries(errors).map(([name, sum]) => [name, sum / count]))
}

const mattes = { sharp: 0, soft: 1.2 } as const

export const edges: Bench = {
  name: 'edges',
  about:
    'Edges against known alpha: four drawings on three pairs of photographs, 1280 x 960. The matte is the true alpha at ' +
    'the size of the model, as sharp as can be or as soft as models give it. SAD and gradient error of alpha in thousands; ' +
    'mean error of the soft pixels of the cut-out on black, white and green, of 255.',
  async run() {
    const sums = new Map<string, { figures: Figures; count: number }>()
    const add = (key: string, figures: Figures) => {
      const sum = sums.get(key) ?? { figures: {}, count: 0 }
      for (const [name, value] of Object.entries(figures)) sum.figures[name] = (sum.figures[name] ?? 0) + value
      sums.set(key, { ...sum, count: sum.count + 1 })
    }
    for await (const composite of drawComposites()) {
      const picture = orient({ pixels: composite.pixels, width, height, hasAlpha: false }, 1)
      for (const [kind, sigma] of Object.entries(mattes)) {
        const matte = await shrink(composite.alpha, sigma)
        const { thumbnail } = createInput(picture, input)
        const colours = estimateEdgeColours(matte, thumbnail)
        const guides = { stretched: null, guided: createGuide(matte, thumbnail) }
        for (const [upsampling, guide] of Object.entries(guides)) {
          const seen = drawAll(createAlphaRows(matte, picture, guide))
          for (const [refine, estimate] of [
            ['none', null],
            ['decontaminate', colours],
          ] as const) {
            const figures = { ...measureAlpha(seen, composite.alpha), ...measureColours(composite, seen, estimate) }
            add([kind, upsampling, refine].join(), figures)
          }
        }
      }
    }
    return [...sums].map(([key, { figures, count }]): Row => {
      const [matte, upsampling, refine] = key.split(',') as [string, string, string]
      const means = Object.entries(figures).map(([name, sum]) => [name, round(sum / count, 2)])
      return { matte, upsampling, refine, ...Object.fromEntries(means) }
    })
  },
}
