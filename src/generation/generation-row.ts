import { now } from '../clock.ts'
import type { GenerationOutput, StoredOutput } from './output-store.ts'
import type { FailureCode, GenerationTask } from './provider.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** How long a generation can be asked about. */
export const GENERATION_LIFE_MS = 365 * DAY_MS
/** How long a failed one may be retried. */
export const RETRY_MS = DAY_MS
export const MAX_RETRIES = 2
/** What is left at least for a picture's background once the picture is there. */
export const CUT_MS = 120_000

export type GenerationStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'canceled'

/** What a job is made of: everything that was decided before it was paid for. */
export interface GenerationOrder {
  readonly id: string
  /** The alias that was asked for. */
  readonly model: string
  readonly provider: string
  /** The stand-in that serves it instead; null: the model's own upstream. */
  readonly servedBy: string | null
  readonly task: GenerationTask
  readonly isTransparent: boolean
  readonly deadlineSeconds: number
}

/** A payment that is collected once the outputs are stored: what its ledger knows it by. Plain data. */
export interface Authorization {
  readonly payment: string
  readonly result: string
}

/** Why it failed, as callers are told. */
export interface GenerationError {
  readonly code: FailureCode | 'payment_failed'
  readonly message: string
  readonly retryable: boolean
}

/**
 * What is to be done next. `reserved`: nothing, since it is not paid for. `start`: ask the upstream. `started`: it was asked,
 * and what it answered is not known. `poll`: ask how its operation stands. `store`: store what it gave. `cut`: remove the background of its output.
 * `collect`: have it paid for. `keep`: have its outputs stay. `give-back`: let go of the payment for what has failed.
 * `done`: nothing any more.
 */
export type GenerationStep =
  | { readonly name: 'reserved' | 'start' | 'started' | 'cut' | 'collect' | 'keep' | 'give-back' | 'done' }
  | { readonly name: 'poll'; readonly operation: string }
  | { readonly name: 'store'; readonly spooled: readonly string[] }

/** One generation. Written before what it announces is done, so that after a crash it is as far as the world, or a step behind. */
export interface GenerationRow extends GenerationOrder {
  readonly status: GenerationStatus
  readonly step: GenerationStep
  /** 0 to 100; never falls. */
  readonly progress: number
  readonly outputs: readonly StoredOutput[]
  readonly error: GenerationError | null
  readonly createdAt: number
  /** When the present attempt has failed. */
  readonly deadline: number
  /** How often in a row the upstream could not be asked. */
  readonly misses: number
  readonly retries: number
  /** Retries of a blocked one, with another prompt. */
  readonly blockedRetries: number
  /** When it was paid for, or its payment authorized. */
  readonly begunAt: number
  /** The payment that waits for its outputs; null: it was paid for before it began. */
  readonly authorization: Authorization | null
  /** Headers that hand the receipt of that payment to the payer; null: it is not collected. */
  readonly receipt: readonly (readonly [string, string])[] | null
}

/** A generation as callers see it. */
export interface GenerationView {
  readonly id: string
  readonly model: string
  readonly served_by?: string
  readonly status: GenerationStatus
  readonly progress: number
  readonly output: readonly GenerationOutput[]
  readonly created_at: string
  readonly expires_at: string
  readonly error?: string
  readonly message?: string
  readonly retryable?: boolean
  /** Of a job that is paid for when it has succeeded. */
  readonly payment?: 'authorized' | 'settled' | 'not_charged'
}

function paymentOf(row: GenerationRow): GenerationView['payment'] {
  if (row.receipt) return 'settled'
  if (row.authorization === null) return undefined
  return row.status === 'failed' || row.status === 'canceled' ? 'not_charged' : 'authorized'
}

/** What a caller is told of a generation. Outputs are told of when it is completed, all at once. */
export function viewOf(row: GenerationRow): GenerationView {
  const { error } = row
  const outputs = row.status === 'completed' ? row.outputs : []
  const payment = paymentOf(row)
  // What was not charged is not run again either.
  const advice = payment === 'not_charged' ? ' Nothing is charged: send it anew.' : ''
  return {
    id: row.id,
    model: row.model,
    ...(row.servedBy && { served_by: row.servedBy }),
    status: row.status,
    progress: row.progress,
    output: outputs.map(({ url, type, width, height, sha256 }) => ({ url, type, width, height, sha256 })),
    created_at: new Date(row.createdAt).toISOString(),
    expires_at: new Date(row.createdAt + GENERATION_LIFE_MS).toISOString(),
    ...(error && { error: error.code, message: error.message + advice, retryable: error.retryable }),
    ...(payment && { payment }),
  }
}

/** A fresh job, not paid for. */
export const reserve = (order: GenerationOrder): GenerationRow => ({
  ...order,
  status: 'pending',
  step: { name: 'reserved' },
  progress: 0,
  outputs: [],
  error: null,
  createdAt: now(),
  deadline: 0,
  misses: 0,
  retries: 0,
  blockedRetries: 0,
  begunAt: 0,
  authorization: null,
  receipt: null,
})

const madeSteps: readonly GenerationStep['name'][] = ['store', 'collect', 'keep', 'give-back']

/** Whether nothing is asked of the upstream any more, and the job has all the time that it needs. */
export const isMade = ({ step }: GenerationRow): boolean => madeSteps.includes(step.name)

/** What is left to do for a job that gives nothing. */
export const stepAfterEnd = ({ authorization }: GenerationRow): GenerationStep => ({
  name: authorization ? 'give-back' : 'done',
})

export const isOver = ({ status }: GenerationRow): boolean =>
  status === 'completed' || status === 'failed' || status === 'canceled'
