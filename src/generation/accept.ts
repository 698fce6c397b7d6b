import { ApiError } from '../errors.ts'
import type { Price } from '../price.ts'
import { type ListedModel, priceOf, withCutOut } from './catalogue.ts'
import { createGenerationId, type OpenGeneration } from './generation.ts'
import { type Authorization, CUT_MS, type GenerationOrder } from './generation-row.ts'
import type { GenerationModel } from './models.ts'
import { type GenerationRequest, MAX_REQUEST_BYTES, readGenerationRequest } from './request.ts'

/** As much of a request's body as reading JSON needs. */
interface Body {
  readonly declaredBytes: number | null
  readHead(): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean }>
}

/**
 * The JSON of a request, whole.
 * @throws ApiError `unsupported_media_type`, `request_too_large`, `invalid_request`
 */
export async function readJsonBody(body: Body, contentType: string | null): Promise<unknown> {
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? '')) {
    throw new ApiError('unsupported_media_type', { message: 'Content-Type must be application/json.' })
  }
  if ((body.declaredBytes ?? 0) > MAX_REQUEST_BYTES) throw new ApiError('request_too_large')
  const { bytes, isWhole } = await body.readHead()
  // A body of just the limit is whole though its end was not seen yet.
  const isAll = isWhole || bytes.byteLength === body.declaredBytes
  if (!isAll || bytes.byteLength > MAX_REQUEST_BYTES) throw new ApiError('request_too_large')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    throw new ApiError('invalid_request', { message: 'The body is not JSON.' })
  }
}

/** A request that can be served, and what it is sold for. */
export interface AcceptedRequest extends GenerationRequest {
  readonly order: Omit<GenerationOrder, 'id'>
  /** Whether somebody generates for it here, today. */
  readonly isServed: boolean
  readonly price: Price
  /** Whether it is to be paid for when its output is stored. */
  readonly isOnSuccess: boolean
  /** Every field that makes a difference, defaults filled in. */
  readonly options: Readonly<Record<string, string>>
}

/**
 * Reads a request for a model.
 * @param removal what removing the background costs
 * @throws ApiError `invalid_request`
 */
export function acceptRequest(
  kind: GenerationModel['kind'],
  body: unknown,
  listed: readonly ListedModel[],
  removal: Price,
): AcceptedRequest {
  const request = readGenerationRequest(
    kind,
    body,
    listed.map(({ model }) => model),
  )
  const { model, task, isTransparent } = request
  const { server } = listed.find((row) => row.model === model)!
  const { provider, upstreamId, servedBy, deadlineSeconds } = server ?? { ...model, servedBy: null }
  const plain = priceOf(model, task.resolution, task.durationSeconds)
  const { prompt, aspectRatio, resolution, durationSeconds } = task
  return {
    ...request,
    order: { model: model.name, provider, servedBy, task: { ...task, upstreamId }, isTransparent, deadlineSeconds },
    isServed: server !== null,
    isOnSuccess: model.settlement === 'on_success',
    price: isTransparent ? withCutOut(plain, removal) : plain,
    options: {
      ...{ model: model.name, prompt, aspect_ratio: aspectRatio },
      ...{ resolution: resolution ?? '', duration: String(durationSeconds ?? ''), background: String(isTransparent) },
    },
  }
}

/** SHA-256 of nothing: what a request is stands in its options. */
const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** Seconds after which a first look makes sense. */
const LOOK_AFTER_S = 2

/** What a request of a price is sold as: a challenge is good for what costs the same. */
export const soldAs = (route: string, price: Price): string => `${route}?price=${price}`

/**
 * A paid call that has a job accepted. The job is noted as its work and begins when it is paid for, at the first answer;
 * every further answer tells how it stands.
 * @param place where a job can be asked about, up to its id
 */
export function createCall(
  { order, price, options, isServed, isOnSuccess }: AcceptedRequest,
  open: OpenGeneration,
  { route, place }: { route: string; place: string },
) {
  return {
    options,
    offer: { price, soldAs: soldAs(route, price) },
    workSeconds: 1,
    limitSeconds: 30,
    ...(isOnSuccess && { defersSeconds: order.deadlineSeconds + (order.isTransparent ? CUT_MS / 1000 : 0) }),
    // Not before: whoever has paid for a job may ask for it, whatever is configured by then.
    async assertReady() {
      if (isServed) return
      const message = `The model ${order.model} cannot be had here at the moment. GET /v1/models lists those that can.`
      throw new ApiError('model_unavailable', { message, retryAfter: 3600 })
    },
    takeBody: async () => ({
      size: 0,
      sha256: SHA256_OF_NOTHING,
      open: async () => new ReadableStream<Uint8Array>(),
      async discard() {},
    }),
    async work() {
      const id = createGenerationId()
      await open(id)
        .reserve({ ...order, id })
        // Nobody's fault but ours, and nothing was taken.
        .catch((cause): never => {
          throw new ApiError('processor_unavailable', { cause })
        })
      const body = new Response(JSON.stringify({ id })).body as ReadableStream<Uint8Array>
      return { status: 202, headers: { 'Content-Type': 'application/json' }, body } as const
    },
    async handOver({ answer, authorization }: { answer: Response; authorization: Authorization | null }) {
      const { id } = await answer.json<{ id: string }>()
      const view = await open(id).begin(authorization)
      if (!view) throw new Error(`the job ${id} is gone`)
      const headers = new Headers({ Location: `${place}/${id}` })
      if (view.status === 'pending' || view.status === 'processing') headers.set('Retry-After', String(LOOK_AFTER_S))
      if (answer.headers.has('idempotent-replayed')) headers.set('Idempotent-Replayed', 'true')
      return Response.json(view, { status: 202, headers })
    },
  }
}
