import type { MatteModel } from '../../models/index.ts'
import { ApiError } from '../../src/errors.ts'
import { readCheckedHeader } from '../../src/images/check-image.ts'
import type { ImageHeader } from '../../src/images/facts.ts'
import type { ImageFormat, InferService, MatteFailure, MatteResult } from '../../src/matte/matte.ts'
import type { MatteOptions } from '../../src/matte/options.ts'
import { isEmpty, type Matte, measureDoubt } from './alpha.ts'
import { applyMatte } from './apply-matte.ts'
import { BeyondHost } from './codec.ts'
import { convertToSrgb, isGrey } from './colour.ts'
import { free, orient, type Picture, type Raster } from './picture.ts'
import { decodePng } from './png-decoder.ts'
import { encodePng } from './png-encoder.ts'
import type { Place } from './queue.ts'
import { createRefinement, freeRefinement } from './refinement.ts'
import { chooseFrame, type Frame, type Rendering, render } from './render.ts'
import { createInput } from './tensor.ts'

/** What the work needs from outside. */
export interface CutTools {
  readonly model: MatteModel
  readonly infer: Pick<InferService, 'infer'>
  /** Decode a file as stored, or throw ApiError `invalid_image`. */
  decodeJpeg(file: Uint8Array): Promise<Raster>
  decodeWebp(file: Uint8Array): Promise<Raster>
  /** Encodes RGBA pixels. Throws when there is no memory for it. */
  encodeWebp(pixels: Uint8Array, width: number, height: number): Promise<Uint8Array<ArrayBuffer>>
  /** A matte with more doubt than this is not worked out; absent: every matte is. */
  readonly mostDoubt?: number
  /** Why this host does not take a picture, as a sentence; null if it does. */
  explainRefusal(header: ImageHeader): string | null
  /** Called when the file's bytes will not be read again. */
  dropFile(): void
}

/** Seconds until another try makes sense when inference was not to be had. */
const inferRetryAfter = 5
/** Another host may be surer. */
const unsure: MatteFailure = { ok: false, code: 'processor_unavailable', isUnsure: true }
/** The work took longer than its place was held, and another's has begun. */
const placeLost: MatteFailure = { ok: false, code: 'processor_unavailable', retryAfter: inferRetryAfter }

function decodeAs(file: Uint8Array, header: ImageHeader, tools: CutTools): Promise<Raster> {
  if (header.format === 'png') return decodePng(file, header)
  return header.format === 'webp' ? tools.decodeWebp(file) : tools.decodeJpeg(file)
}

async function decode(file: Uint8Array, header: ImageHeader, tools: CutTools): Promise<Picture> {
  const raster = await decodeAs(file, header, tools)
  if (raster.width !== header.width || raster.height !== header.height) {
    const message = 'The image has another size than its header says; send a sound file.'
    throw new ApiError('invalid_image', { message })
  }
  convertToSrgb(raster.pixels, header.profile, isGrey(header))
  return orient(raster, header.orientation)
}

async function inferMatte(tensor: Float32Array, { model, infer }: CutTools): Promise<Matte | MatteFailure> {
  const result = await infer.infer(model.id, tensor).catch((error: unknown) => ({
    ok: false as const,
    code: 'processor_unavailable' as const,
    message: String(error),
  }))
  if (result.ok) return { alpha: result.alpha, size: model.input.size }
  console.error({ event: 'no_matte', model: model.id, code: result.code, message: result.message })
  return {
    ok: false,
    code: result.code,
    ...(result.code === 'processor_unavailable' && { retryAfter: inferRetryAfter }),
  }
}

/** The pixels, as long as the place is held. */
interface Hold {
  /** Lets go of them once, however often it is asked to. */
  release(): void
  isReleased(): boolean
}

/** Holds the pixels until they are released or the place is lost. */
function holdPixels({ pixels }: Picture, place: Place): Hold {
  let isReleased = false
  const release = () => {
    if (!isReleased) free(pixels)
    isReleased = true
  }
  place.whenLost(release)
  return { release, isReleased: () => isReleased }
}

/** The answer as a PNG that is written while it is read. */
function writePng({ kind, draw }: Rendering, frame: Frame, hold: Hold, place: Place): ReadableStream<Uint8Array> {
  const { release, isReleased } = hold
  return encodePng(
    { ...frame, kind },
    (y, row, offset) => {
      if (isReleased() || !place.renew())
        throw new Error('the place in the queue was lost: the stream was not read in time')
      draw(y, row, offset)
    },
    () => {
      release()
      place.leave()
    },
  )
}

/** Whether a rendering is the picture's pixels as they lie in memory. */
const isWhole = ({ kind }: Rendering, frame: Frame, { width, height, stepX, stepY }: Picture): boolean =>
  kind === 'rgba' && frame.width === width && frame.height === height && stepX === 1 && stepY === width

/** A rendering as RGBA. */
function drawPixels({ kind, draw }: Rendering, { width, height }: Frame): Uint8Array {
  const pixels = new Uint8Array(width * height * 4)
  const row = new Uint8Array(width * 4)
  for (let y = 0; y < height; y += 1) {
    if (kind === 'rgba') draw(y, pixels, y * width * 4)
    else {
      draw(y, row, 0)
      for (let from = 0, to = y * width * 4; from < width * 3; from += 3, to += 4) {
        pixels.set(row.subarray(from, from + 3), to)
        pixels[to + 3] = 255
      }
    }
  }
  return pixels
}

/** The answer as a WebP, which is encoded as a whole; null if the place was lost before. */
async function writeWebp(
  rendering: Rendering,
  frame: Frame,
  picture: Picture,
  { release, isReleased }: Hold,
  place: Place,
  encode: CutTools['encodeWebp'],
): Promise<ReadableStream<Uint8Array> | null> {
  const { width, height } = frame
  const isSame = isWhole(rendering, frame, picture)
  const pixels = isSame ? picture.pixels : drawPixels(rendering, frame)
  if (!isSame) release()
  if ((isSame && isReleased()) || !place.renew()) return null
  const file = await encode(pixels, width, height).finally(() => (isSame ? release() : free(pixels)))
  place.leave()
  return new Response(file).body!
}

async function cut(
  file: Uint8Array,
  format: ImageFormat,
  options: MatteOptions,
  tools: CutTools,
  place: Place,
): Promise<MatteResult> {
  const header = readCheckedHeader(file, format)
  const refusal = tools.explainRefusal(header)
  if (refusal) return { ok: false, code: 'invalid_image', message: refusal, tryElsewhere: true }
  const picture = await decode(file, header, tools)
  tools.dropFile()
  const hold = holdPixels(picture, place)
  const fail = (failure: MatteFailure): MatteFailure => {
    hold.release()
    return failure
  }
  if (!place.renew()) return fail(placeLost)
  const { tensor, thumbnail } = createInput(picture, tools.model.input)
  const matte = await inferMatte(tensor, tools)
  free(tensor)
  if (!place.renew()) return fail(placeLost)
  if ('ok' in matte) return fail(matte)
  const { mostDoubt } = tools
  if (isEmpty(matte))
    return fail({ ok: false, code: 'no_foreground', ...(mostDoubt !== undefined && { isUnsure: true }) })
  if (mostDoubt !== undefined && measureDoubt(matte) > mostDoubt) return fail(unsure)
  const refinement = createRefinement(matte, thumbnail, options)
  const measured = applyMatte(matte, picture, refinement)
  freeRefinement(refinement)
  const facts = { width: picture.width, height: picture.height, ...measured, model: tools.model.id }
  const frame = chooseFrame(picture, measured.bbox, options)
  const rendering = render(picture, frame, options)
  if (options.format === 'webp') {
    const body = await writeWebp(rendering, frame, picture, hold, place, tools.encodeWebp)
    return body ? { ok: true, contentType: 'image/webp', facts, body } : fail(placeLost)
  }
  return { ok: true, contentType: 'image/png', facts, body: writePng(rendering, frame, hold, place) }
}

/**
 * Cuts the foreground out of one whole image file: decode, tensor, matte, cut-out. Holds one copy of the pixels, and
 * `place` until the answer's stream has been read, cancelled or lost; with a failure it is left at once. Never rejects:
 * a picture that cannot be worked on is a failure with a sentence, a bug is logged and `processing_failed`.
 */
export async function cutOut(
  file: Uint8Array,
  format: ImageFormat,
  options: MatteOptions,
  tools: CutTools,
  place: Place,
): Promise<MatteResult> {
  try {
    const result = await cut(file, format, options, tools, place)
    if (!result.ok) place.leave()
    return result
  } catch (error) {
    place.leave()
    if (error instanceof ApiError && error.code === 'invalid_image') {
      const tryElsewhere = error instanceof BeyondHost && ({ tryElsewhere: true } as const)
      return { ok: false, code: 'invalid_image', message: error.message, ...tryElsewhere }
    }
    console.error({ event: 'cut_failed', message: error instanceof Error ? error.stack : String(error) })
    return { ok: false, code: 'processing_failed' }
  }
}
