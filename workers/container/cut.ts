import { ApiError } from '../../src/errors.ts'
import { checkImage, readCheckedHeader } from '../../src/images/check-image.ts'
import { explainRefusal, findHost } from '../../src/matte/choose-host.ts'
import type { CutOutFacts, ImageFormat, MatteFailure, MatteResult } from '../../src/matte/matte.ts'
import type { MatteOptions } from '../../src/matte/options.ts'
import { isEmpty } from '../matte/alpha.ts'
import { MatteApplier } from '../matte/apply-matte.ts'
import { free } from '../matte/picture.ts'
import { createRefinement, freeRefinement } from '../matte/refinement.ts'
import { chooseFrame } from '../matte/render.ts'
import { InputBuilder, type ModelInput } from '../matte/tensor.ts'
import type { Body } from './body.ts'
import type { Budget } from './budget.ts'
import { estimateCost } from './cost.ts'
import { decodeImage } from './decode.ts'
import type { LoadedModel } from './inference.ts'
import type { RasterFile } from './raster-file.ts'
import { Workplace } from './workplace.ts'
import { writePng } from './write-png.ts'
import { writeWebp } from './write-webp.ts'

/** What the work needs from outside. */
export interface CutTools {
  readonly budget: Budget
  /** A folder for the rasters of all pictures in work. */
  readonly scratch: string
  /** The model that was chosen, or that a quality gets, once it is loaded; null if it is not to be had. */
  findModel(options: Pick<MatteOptions, 'quality' | 'model'>): Promise<LoadedModel | null>
}

const host = findHost('container')

/** Seconds until another try makes sense when there was no room. */
const retryAfter = 10
const noRoom: MatteFailure = { ok: false, code: 'processor_unavailable', retryAfter }

/** What the gateway lets callers choose and this Container does not have is the operator's mistake. */
function noModel({ model }: Pick<MatteOptions, 'model'>): MatteFailure {
  console.error(JSON.stringify({ event: 'model_missing', model }))
  return {
    ok: false,
    code: 'processing_failed',
    message: `The model "${model}" is not to be had here; choose another.`,
  }
}

/** How much of a body is looked at before there is room for it: what waits lies in memory, too. */
const headBytes = [64 * 1024, 1024 * 1024]

/**
 * What a picture costs, as far as its first bytes tell. Throws ApiError `invalid_image` if they tell that it is none.
 */
async function estimate(body: Body, format: ImageFormat, options: MatteOptions): Promise<number> {
  let cost = Infinity
  for (const bytes of headBytes) {
    const { head, isWhole } = await body.readHead(bytes)
    const { header } = checkImage(head, isWhole, `image/${format}`)
    cost = estimateCost(header, head, body.bytes, options)
    if (header) break
  }
  return cost
}

async function createInput(raster: RasterFile, { model }: LoadedModel): Promise<ModelInput> {
  const builder = new InputBuilder(raster, model.input)
  for await (const { picture, from, to } of raster.bands()) builder.addRows(picture, from, to)
  return builder.finish()
}

/** Turns the raster into its cut-out, in place; null if there is no foreground. */
async function cutRaster(raster: RasterFile, loaded: LoadedModel, options: MatteOptions): Promise<CutOutFacts | null> {
  const { tensor, thumbnail } = await createInput(raster, loaded)
  const matte = await loaded.infer(tensor)
  free(tensor)
  if (isEmpty(matte)) return null
  const refinement = createRefinement(matte, thumbnail, options)
  const applier = new MatteApplier(matte, raster, refinement)
  for await (const band of raster.bands()) {
    applier.applyRows(band.picture, band.from, band.to)
    await raster.write(band)
  }
  freeRefinement(refinement)
  return { width: raster.width, height: raster.height, ...applier.measure(), model: loaded.model.id }
}

/** A stream of what `chunks` gives, during which the workplace is kept. */
function toStream(chunks: AsyncGenerator<Uint8Array>, workplace: Workplace): ReadableStream<Uint8Array> {
  const end = () => void workplace.end()
  // Whoever hung up reads nothing any more, and so would never end it.
  workplace.signal.addEventListener('abort', end)
  if (workplace.signal.aborted) end()
  async function* read() {
    try {
      yield* chunks
    } finally {
      workplace.signal.removeEventListener('abort', end)
      await workplace.end()
    }
  }
  const reading = read()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reading.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await reading.return()
    },
  })
}

async function cut(
  body: Body,
  format: ImageFormat,
  options: MatteOptions,
  loaded: LoadedModel,
  workplace: Workplace,
): Promise<MatteResult> {
  const file = await body.readAll()
  const header = readCheckedHeader(file, format)
  const message = explainRefusal(host, header, options)
  if (message) return { ok: false, code: 'invalid_image', message }
  const raster = await decodeImage(file, header, workplace)
  free(file)
  const facts = await cutRaster(raster, loaded, options)
  if (!facts) return { ok: false, code: 'no_foreground' }
  const frame = chooseFrame(raster, facts.bbox, options)
  if (options.format === 'png') {
    return { ok: true, contentType: 'image/png', facts, body: toStream(writePng(raster, frame, options), workplace) }
  }
  const webp = (await writeWebp(raster, frame, options)) as Uint8Array<ArrayBuffer>
  return { ok: true, contentType: 'image/webp', facts, body: new Blob([webp]).stream() }
}

function toFailure(error: unknown, signal: AbortSignal): MatteFailure {
  if (error instanceof ApiError && error.code === 'invalid_image') {
    return { ok: false, code: 'invalid_image', message: error.message }
  }
  // Nobody waits for it any more.
  if (signal.aborted) return noRoom
  console.error(JSON.stringify({ event: 'cut_failed', message: error instanceof Error ? error.stack : String(error) }))
  return { ok: false, code: 'processing_failed' }
}

/**
 * Cuts the foreground out of one image, of any size that the contract allows, in memory that grows with the picture
 * only where a decoder or an encoder makes it. Waits until there is room for it, and holds that until the answer's
 * stream has been read or cancelled, or `signal` says that nobody waits. Never rejects.
 */
export async function cutOut(
  body: Body,
  format: ImageFormat,
  options: MatteOptions,
  tools: CutTools,
  signal: AbortSignal,
): Promise<MatteResult> {
  let workplace: Workplace | undefined
  try {
    const cost = await estimate(body, format, options)
    const loaded = await tools.findModel(options)
    if (!loaded) return noModel(options)
    const room = await tools.budget.enter(cost, signal)
    if (!room) return noRoom
    workplace = await Workplace.open(tools.scratch, room, signal)
    const result = await cut(body, format, options, loaded, workplace)
    // A PNG is written while it is read.
    if (!result.ok || result.contentType === 'image/webp') await workplace.end()
    return result
  } catch (error) {
    await workplace?.end()
    return toFailure(error, signal)
  }
}
