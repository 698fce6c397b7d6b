import type { MatteModel } from '../../models/index.ts'
import { ApiError } from '../../src/errors.ts'
import { checkImage } from '../../src/images/check-image.ts'
import type { ImageHeader } from '../../src/images/facts.ts'
import { readHeader } from '../../src/images/header.ts'
import type { ImageFormat, InferService, MatteFailure, MatteResult } from '../../src/matte/matte.ts'
import { createAlphaRows, type DrawAlpha, isEmpty, type Matte, measureForeground } from './alpha.ts'
import { free, orient, type Picture, type Raster } from './picture.ts'
import { decodePng } from './png-decoder.ts'
import { encodePng } from './png-encoder.ts'
import type { Place } from './queue.ts'
import { createTensor } from './tensor.ts'

/** What the work needs from outside. */
export interface CutTools {
  readonly model: MatteModel
  readonly infer: Pick<InferService, 'infer'>
  /** Decodes a JPEG as stored, or throws ApiError `invalid_image`. */
  decodeJpeg(file: Uint8Array): Promise<Raster>
  readonly pixelLimit: number
  /** Called when the file's bytes will not be read again. */
  dropFile(): void
}

/** Seconds until another try makes sense when inference was not to be had. */
const inferRetryAfter = 5

/** The header of a file that passes every check on the whole of it. Throws ApiError `invalid_image`. */
function readCheckedHeader(file: Uint8Array, format: ImageFormat, pixelLimit: number): ImageHeader {
  checkImage(file, true, `image/${format}`, pixelLimit)
  const header = readHeader(file, format)
  if (typeof header === 'string' || 'broken' in header) throw new ApiError('invalid_image')
  return header
}

async function decode(file: Uint8Array, format: ImageFormat, tools: CutTools): Promise<Picture> {
  const header = readCheckedHeader(file, format, tools.pixelLimit)
  const raster = header.format === 'png' ? await decodePng(file, header) : await tools.decodeJpeg(file)
  if (raster.width !== header.width || raster.height !== header.height) {
    const message = 'The image has another size than its header says; send a sound file.'
    throw new ApiError('invalid_image', { message })
  }
  return orient(raster, header.orientation)
}

async function inferMatte(picture: Picture, { model, infer }: CutTools): Promise<Matte | MatteFailure> {
  const result = await infer.infer(model.id, createTensor(picture, model.input)).catch((error: unknown) => ({
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

/** The cut-out as PNG: the picture's colours, 0 where alpha is 0, so that the removed ground is really gone. */
function encodeCutOut(picture: Picture, drawAlpha: DrawAlpha, place: Place): ReadableStream<Uint8Array> {
  const { pixels, width, height, stepX, stepY, origin } = picture
  const alphaRow = new Uint8Array(width)
  let released = false
  const release = () => {
    if (!released) free(picture.pixels)
    released = true
  }
  place.whenLost(release)
  return encodePng(
    { width, height, kind: 'rgba' },
    (y, row, offset) => {
      if (released || !place.renew())
        throw new Error('the place in the queue was lost: the stream was not read in time')
      drawAlpha(y, alphaRow)
      let from = (origin + y * stepY) * 4
      for (let x = 0, to = offset; x < width; x += 1, to += 4, from += stepX * 4) {
        const alpha = alphaRow[x]!
        if (alpha === 0) continue
        row[to] = pixels[from]!
        row[to + 1] = pixels[from + 1]!
        row[to + 2] = pixels[from + 2]!
        row[to + 3] = alpha
      }
    },
    () => {
      release()
      place.leave()
    },
  )
}

async function cut(file: Uint8Array, format: ImageFormat, tools: CutTools, place: Place): Promise<MatteResult> {
  const picture = await decode(file, format, tools)
  tools.dropFile()
  place.renew()
  const matte = await inferMatte(picture, tools)
  if ('ok' in matte) return matte
  place.renew()
  if (isEmpty(matte)) return { ok: false, code: 'no_foreground' }
  const drawAlpha = createAlphaRows(matte, picture)
  const measured = measureForeground(drawAlpha, picture)
  const facts = { width: picture.width, height: picture.height, ...measured, model: tools.model.id }
  return { ok: true, contentType: 'image/png', facts, body: encodeCutOut(picture, drawAlpha, place) }
}

/**
 * Cuts the foreground out of one whole image file: decode, tensor, matte, cut-out. Holds one copy of the pixels, and
 * `place` until the answer's stream has been read, cancelled or lost; with a failure it is left at once. Never rejects:
 * a picture that cannot be worked on is a failure with a sentence, a bug is logged and `processing_failed`.
 */
export async function cutOut(
  file: Uint8Array,
  format: ImageFormat,
  tools: CutTools,
  place: Place,
): Promise<MatteResult> {
  try {
    const result = await cut(file, format, tools, place)
    if (!result.ok) place.leave()
    return result
  } catch (error) {
    place.leave()
    if (error instanceof ApiError && error.code === 'invalid_image') {
      return { ok: false, code: 'invalid_image', message: error.message }
    }
    console.error({ event: 'cut_failed', message: error instanceof Error ? error.stack : String(error) })
    return { ok: false, code: 'processing_failed' }
  }
}
