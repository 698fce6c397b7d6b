import { Hono } from 'hono'
import { z } from 'zod'
import { createFaults, describeHttpFaults, faultTiming, serveFaultHook, showHttpFault } from './faults.ts'

export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** The bare answer to a JSON-RPC call: a result or an error, without an envelope. */
export type RpcAnswer =
  | { readonly result: unknown; readonly error?: never }
  | { readonly error: RpcError; readonly result?: never }

/** Answers one call. What goes wrong is an error in the answer, never a throw. */
export type RpcCall = (method: string, params: readonly unknown[]) => Promise<RpcAnswer>

/** Answers as of the block before the last. */
export interface StaleReader {
  /** Whether an older block would change what this method answers; the others are answered as usual. */
  covers(method: string): boolean
  readonly call: RpcCall
}

/** What stands behind a JSON-RPC port. */
export interface RpcService {
  readonly call: RpcCall
  /** Without it the fault hook knows no mode `stale`. */
  readonly stale?: StaleReader
}

type RpcEnvelope = { readonly jsonrpc: '2.0'; readonly id: string | number | null } & RpcAnswer

const INVALID_REQUEST = { code: -32600, message: 'Invalid Request' }
const PARSE_ERROR = { code: -32700, message: 'Parse error' }
const INTERNAL_ERROR = { code: -32603, message: 'Internal error' }

/** What a fault strikes: one method, or `*` for each. */
const target = { method: z.string().min(1) }
const plainModes = [
  ...describeHttpFaults(target),
  z.strictObject({ ...target, ...faultTiming, mode: z.literal('error') }),
  z.strictObject({ ...target, ...faultTiming, mode: z.literal('null') }),
] as const
const staleMode = z.strictObject({ ...target, ...faultTiming, mode: z.literal('stale') })
const faultSchema = z.discriminatedUnion('mode', plainModes)
const faultSchemaWithStale = z.discriminatedUnion('mode', [...plainModes, staleMode])

type RpcFault = z.infer<typeof faultSchemaWithStale>

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/**
 * Serves JSON-RPC, single calls and batches, as a node on the wire does, and the hook `POST /_fault`. A fault that
 * spoils the HTTP answer spoils that of the whole batch.
 */
export function createRpcApp({ call, stale }: RpcService): Hono {
  const app = new Hono()
  const faults = createFaults<RpcFault>()

  const strike = async (when: RpcFault['when'], method: string, params: readonly unknown[]) => {
    const fault = faults.take(when, ({ mode, method: struck }) => {
      return (struck === '*' || struck === method) && (mode !== 'stale' || stale?.covers(method) === true)
    })
    if (!fault) return undefined
    switch (fault.mode) {
      case 'error':
        return { error: INTERNAL_ERROR }
      case 'null':
        return { result: null }
      case 'stale':
        return stale?.call(method, params)
      default:
        return showHttpFault(fault)
    }
  }

  const answerOne = async (request: unknown): Promise<RpcEnvelope | Response> => {
    const record = isRecord(request) ? request : {}
    const id = typeof record.id === 'string' || typeof record.id === 'number' ? record.id : null
    const { method, params = [] } = record
    if (typeof method !== 'string' || !Array.isArray(params)) return { jsonrpc: '2.0', id, error: INVALID_REQUEST }
    let answer = await strike('before', method, params)
    if (!answer) {
      const usual = await call(method, params)
      answer = (await strike('after', method, params)) ?? usual
    }
    return answer instanceof Response ? answer : { jsonrpc: '2.0', id, ...answer }
  }

  app.post('/', async (c) => {
    let body: unknown
    try {
      body = await c.req.json()
    } catch {
      return Response.json({ jsonrpc: '2.0', id: null, error: PARSE_ERROR })
    }
    if (Array.isArray(body) && body.length === 0) {
      return Response.json({ jsonrpc: '2.0', id: null, error: INVALID_REQUEST })
    }
    const answers = await Promise.all((Array.isArray(body) ? body : [body]).map(answerOne))
    const spoilt = answers.find((answer) => answer instanceof Response)
    return spoilt ?? Response.json(Array.isArray(body) ? answers : answers[0])
  })
  serveFaultHook<RpcFault>(app, stale ? faultSchemaWithStale : faultSchema, faults)
  return app
}
