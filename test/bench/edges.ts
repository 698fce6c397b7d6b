import sharp from 'sharp'
import { defaultMatteModel } from '../../models/index.ts'
import type { Matte } from '../../workers/matte/alpha.ts'
import { applyMatte } from '../../workers/matte/apply-matte.ts'
import { estimateEdgeColours } from '../../workers/matte/decontaminate.ts'
import { createGuide } from '../../workers/matte/guided-filter.ts'
import { orient } from '../../workers/matte/picture.ts'
import type { Refinement } from '../../workers/matte/refinement.ts'
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

/** The cut-out, RGBA. */
function cutOut(matte: Matte, pixels: Uint8Array<ArrayBuffer>, refinement: Refinement): Uint8Array {
  const picture = orient({ pixels: pixels.slice(), width, height, hasAlpha: false }, 1)
  applyMatte(matte, picture, refinement)
  return picture.pixels
}

const readAlpha = (pixels: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: width * height }, (_, i) => pixels[i * 4 + 3]!)

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
function measureColours({ alpha: truth, foreground }: Composite, seen: Uint8Array): Figures {
  const errors: Figures = {}
  let count = 0
  for (let i = 0; i < truth.length; i += 1) {
    const alpha = seen[i * 4 + 3]!
    if (alpha === truth[i] && (alpha === 0 || alpha === 255)) continue
    count += 3
    for (let c = 0; c < 3; c += 1) {
      for (const [name, ground] of Object.entries(grounds)) {
        const flat = (value: number, share: number) => (value * share + ground[c]! * (255 - share)) / 255
        const error = Math.abs(flat(seen[i * 4 + c]!, alpha) - flat(foreground[i * 3 + c]!, truth[i]!))
        errors[name] = (errors[name] ?? 0) + error
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
        const guide = { guide: createGuide(matte, thumbnail) }
        const colours = { colours: estimateEdgeColours(matte, thumbnail) }
        const refinements = {
          'stretched,none': {},
          'stretched,decontaminate': colours,
          'guided,none': guide,
          'guided,decontaminate': { ...guide, ...colours },
        }
        for (const [name, refinement] of Object.entries(refinements)) {
          const seen = cutOut(matte, composite.pixels, refinement)
          const errors = measureAlpha(readAlpha(seen), composite.alpha)
          add(`${kind},${name}`, { ...errors, ...measureColours(composite, seen) })
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
