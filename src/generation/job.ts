import { now } from '../clock.ts'
import { type Authorization, CUT_MS, type GenerationError, type GenerationRow, stepAfterEnd } from './generation-row.ts'
import type { JobSpool } from './job-spool.ts'
import { BadOutput, type OutputStore, type StoredOutput, type StoredSink } from './output-store.ts'
import type { OutputSink, OutputSinks, Provider, UpstreamState } from './provider.ts'

/** The shortest and the longest time between two looks at an operation, or two tries. */
const LEAST_MS = 1_000
const MOST_MS = 30_000
/** The longest time between two attempts to collect a payment: some stay open for ever. */
const MOST_COLLECT_MS = 60 * 60 * 1000

/** Removes the background of a stored picture. `null`: not now, try again. */
export type CutOut = (output: StoredOutput) => Promise<StoredOutput | GenerationError | null>

/** What collecting came to. `open`: not known yet. `refused`: the money can never come. */
export type Collected =
  | { readonly kind: 'settled'; readonly receipt: readonly (readonly [string, string])[] }
  | { readonly kind: 'refused' | 'open' }

/** The payments of jobs that are paid for on completion. Everything may be repeated. */
export interface JobPayments {
  collect(authorization: Authorization): Promise<Collected>
  /**
   * Nothing is charged.
   * @param isTheirs whether the request is why the job failed, or its upstream has worked for it
   * @returns headers with the receipt when it was paid all the same, by the payer's own hand
   */
  giveBack(authorization: Authorization, isTheirs: boolean): Promise<GenerationRow['receipt']>
}

/** What a job needs of its surroundings; `src/index.ts` fills it. */
export interface JobParts {
  readonly outputs: OutputStore
  openProvider(name: string): Provider | null
  readonly cutOut: CutOut
  readonly payments: JobPayments
  /** Size that a task's output is expected to have. */
  sizeOf(row: GenerationRow): { width: number; height: number }
}

/** What a step came to: the row as it is now, and in how many milliseconds the next step is due; null: never. */
export interface StepEnd {
  readonly row: GenerationRow
  readonly dueIn: number | null
}

/** Sinks that know what they have opened, so that drafts can be thrown away. */
class Sinks implements OutputSinks {
  readonly #parts: JobParts
  readonly #row: GenerationRow
  readonly #opened: StoredSink[] = []

  constructor(parts: JobParts, row: GenerationRow) {
    this.#parts = parts
    this.#row = row
  }

  async open(): Promise<OutputSink> {
    const sink = await this.#parts.outputs.open(this.#parts.sizeOf(this.#row))
    this.#opened.push(sink)
    return sink
  }

  /** Stores those that count, and forgets the others. */
  async finish(chosen: readonly OutputSink[]): Promise<StoredOutput[]> {
    await Promise.all(this.#opened.filter((sink) => !chosen.includes(sink)).map((sink) => sink.abort()))
    const stored: StoredOutput[] = []
    for (const sink of this.#opened) if (chosen.includes(sink)) stored.push(await sink.finish())
    return stored
  }
}

const stepAfterWork = ({ authorization }: GenerationRow) =>
  authorization ? ({ name: 'collect' } as const) : ({ name: 'keep' } as const)

/**
 * When an operation is looked at again: the longer it has taken, the longer it may take, so that looks thin out as
 * they grow old and many open jobs are no load on the upstream.
 */
function nextLook({ deadline, deadlineSeconds }: GenerationRow): number {
  const taken = now() - (deadline - deadlineSeconds * 1000)
  const wait = Math.min(MOST_MS, Math.max(2 * LEAST_MS, taken / 5))
  return wait / 2 + Math.random() * (wait / 2)
}

/** Twice as long after every miss, and never for all at the same time. */
function backOff(misses: number, asked: number | null): number {
  const wait = Math.min(MOST_MS, LEAST_MS * 2 ** misses)
  return Math.max(asked ?? 0, wait / 2 + Math.random() * (wait / 2))
}

export const failWith = (row: GenerationRow, error: GenerationError): StepEnd => ({
  row: {
    ...row,
    status: 'failed',
    step: stepAfterEnd(row),
    error,
  },
  dueIn: row.authorization ? 0 : null,
})

/** What an upstream says that has no output to give. */
type Unfinished = Exclude<UpstreamState, { kind: 'completed' }>

const lost: Unfinished = {
  kind: 'unavailable',
  cause: 'its answer was lost',
  retryAfterMs: null,
  mayHaveBegun: true,
}

const timedOut: GenerationError = {
  code: 'timed_out',
  message: 'The generation took too long and was given up.',
  retryable: true,
}

const unreadable: GenerationError = {
  code: 'upstream_failed',
  message: 'What the upstream gave is no picture or video that can be kept.',
  retryable: true,
}

/** The outputs are stored: what comes next. */
function toStored(row: GenerationRow, outputs: readonly StoredOutput[]): StepEnd {
  const step = row.isTransparent ? ({ name: 'cut' } as const) : stepAfterWork(row)
  const progress = Math.max(row.progress, row.isTransparent ? 80 : 95)
  const deadline = Math.max(row.deadline, now() + CUT_MS)
  return { row: { ...row, status: 'processing', step, outputs, progress, misses: 0, deadline }, dueIn: 0 }
}

/** What an answer of the upstream makes of the job, but for outputs. */
function take(row: GenerationRow, state: Unfinished): StepEnd {
  if (state.kind === 'running') {
    const progress = Math.max(row.progress, Math.min(95, Math.trunc(state.progress ?? row.progress + 5)))
    const step = { name: 'poll', operation: state.operation } as const
    return { row: { ...row, status: 'processing', step, progress, misses: 0 }, dueIn: nextLook(row) }
  }
  if (state.kind === 'failed') return failWith(row, state)
  // It may have worked, and want to be paid for it: once more may help, and no more.
  if (row.step.name === 'started' && state.mayHaveBegun && row.misses > 0) {
    const message = 'The upstream did not answer, twice.'
    return failWith(row, { code: 'upstream_failed', message, retryable: true })
  }
  const step = row.step.name === 'started' ? ({ name: 'start' } as const) : row.step
  return { row: { ...row, step, misses: row.misses + 1 }, dueIn: backOff(row.misses, state.retryAfterMs) }
}

/** Stores what the upstream has given in its one answer. */
async function store(
  row: GenerationRow,
  spooled: readonly string[],
  { outputs, sizeOf }: JobParts,
  spool: JobSpool,
): Promise<StepEnd> {
  const stored: StoredOutput[] = []
  for (const name of spooled) {
    const sink = await outputs.open(sizeOf(row))
    try {
      for (const piece of spool.read(name)) await sink.write(piece)
      stored.push(await sink.finish())
    } catch (error) {
      await sink.abort()
      throw error
    }
  }
  return toStored(row, stored)
}

async function cut(row: GenerationRow, { cutOut }: JobParts): Promise<StepEnd> {
  const made = await cutOut(row.outputs[0]!)
  if (made === null) return { row: { ...row, misses: row.misses + 1 }, dueIn: backOff(row.misses, null) }
  if ('code' in made) return failWith(row, made)
  return {
    row: { ...row, step: stepAfterWork(row), outputs: [row.outputs[0]!, made], progress: 95, misses: 0 },
    dueIn: 0,
  }
}

/** Has the payment collected. Until that is certain, nobody is told of the outputs. */
async function collect(row: GenerationRow, { payments }: JobParts): Promise<StepEnd> {
  const collected = await payments.collect(row.authorization!)
  if (collected.kind === 'open') {
    // Often while it can still come, ever more rarely once the chain owes an answer.
    const least = Math.min(MOST_COLLECT_MS, (now() - row.begunAt) / 30)
    return { row: { ...row, misses: row.misses + 1 }, dueIn: Math.max(least, backOff(row.misses, null)) }
  }
  if (collected.kind === 'settled') {
    return { row: { ...row, step: { name: 'keep' }, receipt: collected.receipt, misses: 0 }, dueIn: 0 }
  }
  const message = 'The payment could not be collected when the output was there.'
  return failWith({ ...row, outputs: [] }, { code: 'payment_failed', message, retryable: false })
}

/** Lets go of the payment. If its money has moved all the same, the job is owed. */
async function giveBack(row: GenerationRow, { payments }: JobParts): Promise<StepEnd> {
  const { error, outputs, status } = row
  const isRefused = error !== null && !error.retryable && error.code !== 'payment_failed'
  const isTheirs = status === 'canceled' || isRefused || outputs.length > 0
  const receipt = await payments.giveBack(row.authorization!, isTheirs)
  const paid = receipt && { authorization: null, receipt }
  return { row: { ...row, ...paid, step: { name: 'done' } }, dueIn: null }
}

/**
 * Does what is due for a job.
 * @param write keeps a row before what it announces is done
 * @throws whatever a store throws: the step is tried again; one that has asked its upstream counts as lost
 */
export async function runStep(
  row: GenerationRow,
  parts: JobParts,
  spool: JobSpool,
  write: (row: GenerationRow) => void,
): Promise<StepEnd> {
  try {
    const end = await step(row, parts, spool, write)
    // It is stored, or nobody wants it any more.
    if (end.row.step.name !== 'store') spool.clear()
    return end
  } catch (error) {
    if (!(error instanceof BadOutput)) throw error
    spool.clear()
    return failWith(row, unreadable)
  }
}

async function step(
  row: GenerationRow,
  parts: JobParts,
  spool: JobSpool,
  write: (row: GenerationRow) => void,
): Promise<StepEnd> {
  const { name } = row.step
  if (name === 'reserved' || name === 'done') return { row, dueIn: null }
  // What is made is never too late.
  if (name === 'keep') {
    for (const output of row.outputs) await parts.outputs.keep(output)
    return { row: { ...row, status: 'completed', step: { name: 'done' }, progress: 100 }, dueIn: null }
  }
  if (row.step.name === 'store') return store(row, row.step.spooled, parts, spool)
  if (name === 'collect') return collect(row, parts)
  if (name === 'give-back') return giveBack(row, parts)
  if (row.deadline <= now()) return failWith(row, timedOut)
  if (name === 'cut') return cut(row, parts)
  const provider = parts.openProvider(row.provider)
  if (!provider) {
    const message = 'The model is not configured any more.'
    return failWith(row, { code: 'upstream_failed', message, retryable: true })
  }
  // It was asked, and whoever asked is gone.
  if (name === 'started') return take(row, lost)
  if (row.step.name === 'poll') {
    // It can be asked for its outputs again.
    const sinks = new Sinks(parts, row)
    const state = await provider.poll!(row.step.operation, row.task, sinks)
    const outputs = await sinks.finish(state.kind === 'completed' ? state.outputs : [])
    return state.kind === 'completed' ? toStored(row, outputs) : take(row, state)
  }
  const started: GenerationRow = {
    ...row,
    status: 'processing',
    step: { name: 'started' },
    progress: Math.max(row.progress, 5),
  }
  write(started)
  spool.clear()
  const state = await provider.start(row.task, spool)
  if (state.kind !== 'completed') return take(started, state)
  const spooled = spool.finish(state.outputs)
  return { row: { ...started, step: { name: 'store', spooled }, progress: Math.max(row.progress, 60) }, dueIn: 0 }
}
