import * as z from 'zod'
import type { Config } from '../config.ts'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import type { HostedFile } from '../hosting/hosted-file.ts'
import { hostedFile } from '../hosting/schemas.ts'
import { type Tier, tiers } from '../hosting/tiers.ts'
import { checkImage, maxFileBytes, maxSide } from '../images/check-image.ts'
import type { MatteHosts } from '../matte/hosts.ts'
import type { CutOutFacts } from '../matte/matte.ts'
import { defaultMatteOptions, readMargin } from '../matte/options.ts'
import { takeUpload } from '../payments/upload.ts'
import { addPrices } from '../price.ts'

const query = z
  .object({
    format: z
      .enum(['png', 'webp'], 'format may be png or webp')
      .default(defaultMatteOptions.format)
      .describe('Format of the answer. webp: lossy colour at quality 90, lossless alpha.'),
    output: z
      .enum(['cutout', 'mask'], 'output may be cutout or mask')
      .default(defaultMatteOptions.output)
      .describe('What to answer: the cut-out, or its alpha as a grey PNG.'),
    bg: z
      .string()
      .regex(/^(#?[\da-fA-F]{6})?$/, 'bg must be six hexadecimal digits, such as ffffff')
      .transform((text) => text.replace('#', '').toLowerCase())
      .default(defaultMatteOptions.bg)
      .describe('Colour to put the foreground on, rrggbb; the answer is then opaque.'),
    crop: z
      .enum(['true', 'false'], 'crop may be true or false')
      .default(defaultMatteOptions.crop)
      .describe('Cut to the foreground.'),
    margin: z
      .string()
      .refine((text) => readMargin(text) !== null, 'margin must be pixels or percent, such as 20px or 5%')
      .transform((text) => (/[x%]$/.test(text) ? text : `${text}px`))
      .default(defaultMatteOptions.margin)
      .describe('With crop=true, space around the foreground: 20px, or 5% of its longer side.'),
    refine: z
      .enum(['none', 'decontaminate'], 'refine may be none or decontaminate')
      .default(defaultMatteOptions.refine)
      .describe('decontaminate: edges follow the picture, soft ones lose the old background in them. none: as seen.'),
    quality: z
      .enum(['auto', 'fast', 'best'], 'quality may be auto, fast or best')
      .default(defaultMatteOptions.quality)
      .describe('fast: the small model. best: the large one, where there is a Container. auto: what fits the picture.'),
    model: z
      .string()
      .default('')
      .describe('In place of a quality, one of the models that this endpoint’s description names, by its id.'),
    store: z
      .enum(['', '7d', '1y'], 'store may be 7d or 1y')
      .default('')
      .describe('Host the answer for 7 days or a year, and answer JSON with its URL. A year costs extra.'),
  })
  .superRefine(({ output, format, bg, crop, margin, quality, model }, context) => {
    const refuse = (option: string, message: string) => context.addIssue({ code: 'custom', path: [option], message })
    if (output === 'mask' && bg) refuse('bg', 'A mask has no colours: leave out bg, or ask for output=cutout')
    if (output === 'mask' && format !== 'png') refuse('format', 'A mask is always a PNG: leave out format')
    if (crop === 'false' && readMargin(margin)?.value) refuse('margin', 'A margin needs crop=true')
    if (model && quality !== 'auto') refuse('quality', 'A model is chosen: leave out quality')
  })

const PATH = '/v1/remove-background'

const isStoredForYear = (asked: URLSearchParams | undefined): boolean => asked?.get('store') === '1y'

/** How long a hosted answer is kept. */
const stores = { '7d': 'free', '1y': 'paid' } as const satisfies Record<string, Tier>

/** The pieces of a cut-out as it comes. What breaks off is nobody's fault, and another try may do better. */
async function* readPieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of body) yield piece
  } catch (cause) {
    throw new ApiError('processor_unavailable', { cause })
  }
}

const describeFacts = ({ width, height, bbox, coverage, model }: CutOutFacts) => ({
  'X-Image-Width': String(width),
  'X-Image-Height': String(height),
  'X-Foreground-Bbox': bbox.join(','),
  'X-Foreground-Coverage': coverage.toFixed(3),
  'X-Model': model,
})

const count = (n: number): string => n.toLocaleString('en-US')

const listModels = ({ models }: MatteHosts): string => models.join(' or ')

function describeLimits(hosts: MatteHosts, { prices }: Config): string {
  const [png, webp] = [hosts.pixelLimit('png'), hosts.pixelLimit('webp')]
  const pixels = `${count(png)} pixels in all${webp < png ? ` (${count(webp)} for a WebP)` : ''}`
  const best = hosts.qualities.includes('best') ? '' : ' `quality=best` is not to be had here.'
  const models = hosts.models.length > 0 ? ` \`model\` may be ${listModels(hosts)}.` : ''
  return (
    `Send one image as the raw body: at most 25 MB, ${count(maxSide)} pixels a side and ${pixels}. The answer is the ` +
    'cut-out as an RGBA PNG of the same size, upright, in sRGB and without metadata. Failures are never charged.' +
    ` With \`store=7d\` or \`store=1y\` (+ $${prices.storeYear}) it is hosted, and the answer is JSON with its URL.` +
    best +
    models
  )
}

/** @throws ApiError `invalid_request` naming what may be chosen, if this deployment lets nobody choose that */
function assertChoosable(model: string, hosts: MatteHosts): void {
  if (hosts.models.includes(model)) return
  const message =
    hosts.models.length > 0
      ? `The option "model" may be ${listModels(hosts)}.`
      : 'This deployment lets nobody choose a model: leave out the option "model".'
  throw new ApiError('invalid_request', { message })
}

export const removeBackground = defineEndpoint({
  method: 'POST',
  path: PATH,
  name: 'removeBackground',
  summary: 'Remove the background of an image',
  description: ({ matte, config }) => describeLimits(matte, config),
  query,
  request: {
    description: 'The image itself, as raw bytes.',
    contentTypes: ['image/png', 'image/jpeg', 'image/webp'],
  },
  response: {
    description: 'The cut-out; with `store`, where it is hosted.',
    contentTypes: ['image/png', 'image/webp', 'application/json'],
    schema: hostedFile.schema,
    headers: {
      'X-Image-Width': 'Width of the upright picture in pixels, cropped or not.',
      'X-Image-Height': 'Height of the upright picture in pixels, cropped or not.',
      'X-Foreground-Bbox': 'Bounding box of the foreground in the upright picture: x,y,w,h in pixels.',
      'X-Foreground-Coverage': 'Share of the pixels that are foreground, 0 to 1.',
      'X-Model': 'The matte model that was used.',
    },
  },
  errors: [
    'invalid_image',
    'image_too_large',
    'unsupported_media_type',
    'no_foreground',
    'processing_failed',
    'processor_unavailable',
    'upload_failed',
    'unavailable_for_legal_reasons',
  ],
  sale: {
    mimeType: 'image/png',
    // What costs more is sold as something else.
    soldAs: (asked) => (isStoredForYear(asked) ? `${PATH}?store=1y` : PATH),
    price({ config: { prices } }, asked) {
      return isStoredForYear(asked) ? addPrices(prices.removeBackground, prices.storeYear) : prices.removeBackground
    },
    async prepare(c) {
      const { body } = c.var
      if ((body.declaredBytes ?? 0) > maxFileBytes) throw new ApiError('image_too_large')
      const { store, model, ...known } = readQuery(c, query)
      const { matte, till, files } = c.var.services
      // Only where it was chosen: what was paid for before there were models is still the same request.
      const options = { ...known, ...(model && { model }) }
      if (model) assertChoosable(model, matte)
      if (!matte.qualities.includes(options.quality)) {
        const message =
          `The option "quality" may be ${matte.qualities.join(' or ')}: ${options.quality} needs a Container, ` +
          'which this deployment does not have.'
        throw new ApiError('invalid_request', { message })
      }
      const contentType = c.req.header('content-type') ?? null
      const head = await body.readHead()
      const { format, header } = checkImage(head.bytes, head.isWhole, contentType)
      const hosts = matte.choose(header, options)
      const asked = matte.isPassedOn(hosts, options) ? hosts : hosts.slice(0, 1)
      const pixels = header ? header.width * header.height : matte.pixelLimit(options.format)
      return {
        options: { ...options, ...(store && { store }) },
        workSeconds: Math.max(...asked.map((host) => host.expectSeconds(pixels))),
        limitSeconds: Math.max(...hosts.map(({ limitSeconds }) => limitSeconds)),
        assertReady: () => matte.assertUp(hosts),
        takeBody: () => takeUpload(body, { bytes: maxFileBytes, error: 'image_too_large' }, till.spool),
        async work({ size, open }) {
          const result = await matte.cut(hosts, { format, size, open }, options)
          if (!result.ok) {
            const { message, retryAfter } = result
            throw new ApiError(result.code, { ...(message && { message }), ...(retryAfter && { retryAfter }) })
          }
          const { contentType, body, facts } = result
          c.var.log.model = facts.model
          const headers = { 'Content-Type': contentType, ...describeFacts(facts) }
          if (!store) return { status: 200, headers, body }
          const tier = stores[store]
          const life = { tier, lifeSeconds: tiers[tier].lifeSeconds, isProvisional: true, picture: null, hashes: null }
          const file = await files.add({ contentType, content: readPieces(body), ...life })
          const kept = new Response(JSON.stringify(file)).body as ReadableStream<Uint8Array>
          return { status: 200, headers: { ...headers, 'Content-Type': 'application/json' }, body: kept }
        },
        ...(store && {
          async handOver({ answer }) {
            const file = await answer.json<HostedFile>()
            await files.confirm(file)
            const headers = new Headers(answer.headers)
            headers.delete('Content-Length')
            return Response.json(files.describe(file), { headers })
          },
        }),
      }
    },
  },
})
