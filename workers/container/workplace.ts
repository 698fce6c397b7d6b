import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Room } from './budget.ts'

/** Where one picture is worked on. Whatever it takes is given back by `end`, whatever happened. */
export class Workplace {
  /** For its rasters: up to 800 MB. */
  readonly folder: string
  /** Aborted when nobody waits for the picture any more. */
  readonly signal: AbortSignal
  readonly #stack = new AsyncDisposableStack()

  private constructor(folder: string, room: Room, signal: AbortSignal) {
    this.folder = folder
    this.signal = signal
    this.#stack.defer(() => room.leave())
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }))
  }

  /** Makes a folder in `scratch`; `room` is given back in the end. */
  static async open(scratch: string, room: Room, signal: AbortSignal): Promise<Workplace> {
    const folder = await mkdtemp(join(scratch, 'picture-')).catch((error: unknown) => {
      room.leave()
      throw error
    })
    return new Workplace(folder, room, signal)
  }

  /** Has something closed in the end. */
  keep<Closable extends { close(): Promise<void> }>(closable: Closable): Closable {
    this.#stack.defer(() => closable.close().catch(() => {}))
    return closable
  }

  /** Gives everything back, once. */
  end(): Promise<void> {
    return this.#stack.disposeAsync()
  }
}
