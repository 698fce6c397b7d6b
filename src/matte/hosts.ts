import { now } from '../clock.ts'
import { ApiError } from '../errors.ts'
import type { ImageHeader } from '../images/facts.ts'
import { chooseHosts, findHost, type HostName, type MatteHost, matteHosts } from './choose-host.ts'
import type { ImageFormat, MatteFailure, MatteResult, MatteService, WasmMemory } from './matte.ts'
import type { MatteOptions } from './options.ts'

/** How long one look at a host's health is believed. */
const FRESH_MS = 5_000
const PING_LIMIT_MS = 4_000
/** A host that fails later than this has used up the time in which another could work. */
const RETRY_WITHIN_MS = 20_000
/** Whoever was unsure needs what is then left of the time to answer after all. */
const SECOND_WITHIN_MS = 60_000

/** A picture that somebody may be asked to cut out. */
export interface Picture {
  readonly format: ImageFormat
  /** Bytes. */
  readonly size: number
  /** The bytes from their beginning; may be called again. */
  open(): Promise<ReadableStream<Uint8Array>>
}

/** Rejects when a promise takes longer. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error('no answer in time')), milliseconds)
  try {
    return await Promise.race([promise, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** The hosts of one deployment: who is there, who is busy, and the work on them. */
export class MatteHosts {
  readonly #services: Readonly<Partial<Record<HostName, MatteService>>>
  readonly #models: readonly string[]
  readonly #mostDoubt: number
  readonly #busyUntil = new Map<HostName, number>()
  readonly #looks = new Map<HostName, { readonly at: number; readonly isUp: boolean }>()

  /**
   * @param models ids of the models that the operator lets callers choose of
   * @param mostDoubt of a matte that is taken from a host while another could be asked, 0 to 1
   */
  constructor(
    services: Readonly<Partial<Record<HostName, MatteService>>>,
    models: readonly string[] = [],
    mostDoubt = 1,
  ) {
    this.#services = services
    this.#models = models
    this.#mostDoubt = mostDoubt
  }

  /** In the order of the table. */
  get available(): readonly HostName[] {
    return matteHosts.map(({ name }) => name).filter((name) => this.#services[name])
  }

  /** The qualities that somebody here can give. */
  get qualities(): readonly MatteOptions['quality'][] {
    return [...new Set(this.available.flatMap((name) => findHost(name).qualities))]
  }

  /** Ids of the models that callers may choose of: none where nobody here has any. */
  get models(): readonly string[] {
    return this.available.some((name) => findHost(name).hasModels) ? this.#models : []
  }

  /** Most pixels of a picture, by what is asked to be written. */
  pixelLimit(format: MatteOptions['format']): number {
    return Math.max(...this.available.map((name) => findHost(name).pixels[format]))
  }

  /**
   * Who is to be asked for a picture, in order: never nobody.
   * @throws ApiError `invalid_image` if none of them takes it
   */
  choose(header: ImageHeader | null, options: MatteOptions): readonly [MatteHost, ...MatteHost[]] {
    const busy = new Set(this.available.filter((name) => this.#isBusy(name)))
    const hosts = chooseHosts(header, options, { available: this.available, busy })
    if (typeof hosts === 'string') throw new ApiError('invalid_image', { message: hosts })
    return hosts
  }

  /** @throws ApiError `processor_unavailable` if all of these may be down, and none of them answers */
  async assertUp(hosts: readonly MatteHost[]): Promise<void> {
    for (const host of hosts) if (await this.#isUp(host)) return
    const message = 'What cuts out large pictures does not answer. Send the same request again.'
    throw new ApiError('processor_unavailable', { message, retryAfter: 10 })
  }

  /** Whether the second of these hosts may be asked because the first is unsure. */
  isPassedOn(hosts: readonly MatteHost[], { quality, model }: MatteOptions): boolean {
    return hosts.length > 1 && quality === 'auto' && model === undefined && this.#mostDoubt < 1
  }

  /** Linear memory that the edge's isolates hold; null where they do not say. */
  async readMemory(): Promise<WasmMemory | null> {
    const memory = this.#services.edge?.readMemory?.()
    return memory ? within(PING_LIMIT_MS, memory).catch(() => null) : null
  }

  /**
   * Asks one host after the other, the next only when one has no room, does not take the picture after all, or is unsure
   * of what it sees. One that breaks has no room. Never rejects.
   */
  async cut(hosts: readonly MatteHost[], picture: Picture, options: MatteOptions): Promise<MatteResult> {
    const began = now()
    const isPassedOn = this.isPassedOn(hosts, options)
    let unsure: MatteHost | undefined
    let refused: MatteFailure = { ok: false, code: 'processor_unavailable' }
    for (const [i, host] of hosts.entries()) {
      const { name } = host
      const isLast = i === hosts.length - 1
      // One that hangs would use up the time of the others.
      if ((!isLast || unsure) && !(await this.#isUp(host))) continue
      // One that has no room is no second opinion: it would only let the caller wait.
      const mayBeUnsure = isPassedOn && hosts.slice(i + 1).some((other) => !this.#isBusy(other.name))
      const result = unsure
        ? await this.#askWithin(SECOND_WITHIN_MS - (now() - began), name, picture, options)
        : await this.#ask(name, picture, options, mayBeUnsure ? this.#mostDoubt : undefined)
      if (result.ok) return result
      if (result.isUnsure) {
        unsure = host
        continue
      }
      const isBusy = result.code === 'processor_unavailable'
      if (isBusy) this.#busyUntil.set(name, now() + (result.retryAfter ?? 5) * 1000)
      if (unsure && result.code !== 'no_foreground') break
      const mayGoOn = (isBusy || result.tryElsewhere) && now() - began < RETRY_WITHIN_MS
      // What the last one does not take, another would have taken, had it had room.
      if (isLast && result.tryElsewhere && hosts.length > 1) return refused
      if (isLast || !mayGoOn) return result
      refused = isBusy ? result : refused
    }
    // What is unsure is better than nothing.
    return unsure ? this.#ask(unsure.name, picture, options) : refused
  }

  /** Whether it said lately that it is full. */
  #isBusy(name: HostName): boolean {
    return (this.#busyUntil.get(name) ?? 0) > now()
  }

  async #ask(name: HostName, picture: Picture, options: MatteOptions, mostDoubt?: number): Promise<MatteResult> {
    try {
      const service = this.#services[name]!
      const image = await picture.open()
      return await service.cut(image, picture.size, picture.format, options, mostDoubt)
    } catch (error) {
      console.error(JSON.stringify({ level: 'error', event: 'host_failed', host: name, message: String(error) }))
      return { ok: false, code: 'processor_unavailable' }
    }
  }

  /** Asks a host whose answer is of no use later. Never rejects. */
  async #askWithin(milliseconds: number, name: HostName, picture: Picture, options: MatteOptions) {
    const answer = this.#ask(name, picture, options)
    return within(milliseconds, answer).catch((): MatteResult => {
      console.error(JSON.stringify({ level: 'error', event: 'host_slow', host: name }))
      // It holds room until somebody has read what it answers.
      void answer.then((late) => (late.ok ? late.body.cancel() : undefined)).catch(() => {})
      return { ok: false, code: 'processor_unavailable' }
    })
  }

  /** One look at a host serves whoever asks within a few seconds. */
  async #isUp({ name, mayBeDown }: MatteHost): Promise<boolean> {
    if (!mayBeDown) return true
    const last = this.#looks.get(name)
    if (last && now() - last.at < FRESH_MS) return last.isUp
    const isUp = await within(PING_LIMIT_MS, this.#services[name]!.ping()).then(
      () => true,
      () => false,
    )
    // The answer and not the promise: one request may not wait for what another began.
    this.#looks.set(name, { at: now(), isUp })
    return isUp
  }
}
