import type { Authorization, GenerationOrder, GenerationView } from './generation-row.ts'

/** What came of a wish that may be refused. */
export type Granted =
  | { readonly kind: 'done'; readonly view: GenerationView }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused' }

/** How a generation stands. */
export interface Reading {
  readonly view: GenerationView
  /** Headers with the receipt, where it was paid for on completion. */
  readonly receipt: readonly (readonly [string, string])[] | null
}

/** One generation, as its callers see its object over RPC. */
export interface GenerationClient {
  /** Notes a job that is not paid for yet; it does nothing. Again does no harm. */
  reserve(order: GenerationOrder): Promise<void>
  /**
   * It is paid for, or will be on completion: work begins. Again only tells how it stands. Null: there is no such job.
   * @param authorization how it is paid for on completion; null: it is paid for
   */
  begin(authorization: Authorization | null): Promise<GenerationView | null>
  /** How it stands, as soon as that is another status than now, or after so many milliseconds. Null: no such job. */
  read(waitMs: number): Promise<Reading | null>
  /** Gives it up, as long as the upstream was not asked. */
  cancel(): Promise<Granted>
  /** Has a failed or cancelled job run again. `prompt`: another one, or null for the same. */
  retry(prompt: string | null): Promise<Granted>
}

/** Opens the object of an id. */
export type OpenGeneration = (id: string) => GenerationClient

const ID_BYTES = 16

/** A fresh id: 128 random bits. */
export function createGenerationId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES))
  return `gen_${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

export const generationIdPattern: RegExp = /^gen_[\da-f]{32}$/
