import { now } from '../clock.ts'
import type { GenerationOutput, StoredOutput } from './output-store.ts'
import type { FailureCode, GenerationTask } from './provider.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** How long a generation can be asked about. */
export const GENERATION_LIFE_MS = 365 * DAY_MS
/** How long a failed one may be retried. */
export const RETRY_MS = DAY_MS
export const MAX_RETRIES = 2

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

/** Why it failed, as callers are told. */
export interface GenerationError {
  readonly code: FailureCode | 'payment_failed'
  readonly message: string
  readonly retryable: boolean
}

/**
 * What is to be done next. `reserved`: nothing, since it is not paid for. `start`: ask the upstream. `started`: it was asked,
 * and what it answered is not known. `poll`: ask how its operation stands. `cut`: remove the background of its output.
 * `keep`: have its outputs stay. `done`: nothing any more.
 */
export type GenerationStep =
  | { readonly name: 'reserved' | 'start' | 'started' | 'cut' | 'keep' | 'done' }
  | { readonly name: 'poll'; readonly operation: string }

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
  /** When it was paid for. */
  readonly begunAt: number
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
}

/** What a caller is told of a generation. Outputs are told of when it is completed, all at once. */
export function viewOf(row: GenerationRow): GenerationView {
  const { error } = row
  const outputs = row.status === 'completed' ? row.outputs : []
  return {
    id: row.id,
    model: row.model,
    ...(row.servedBy && { served_by: row.servedBy }),
    status: row.status,
    progress: row.progress,
    output: outputs.map(({ url, type, width, height, sha256 }) => ({ url, type, width, height, sha256 })),
    created_at: new Date(row.createdAt).toISOString(),
    expires_at: new Date(row.createdAt + GENERATION_LIFE_MS).toISOString(),
    ...(error && { error: error.code, message: error.message, retryable: error.retryable }),
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
})

export const isOver = ({ status }: GenerationRow): boolean =>
  status === 'completed' || status === 'failed' || status === 'canceled'
