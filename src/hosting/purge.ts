import { tagOf } from './serve.ts'

/** Cloudflare's cache, where the Worker stands behind one. */
interface Cached {
  readonly cache?: { purge(options: { tags: string[] }): Promise<{ readonly success: boolean }> }
}

const TRIES = 3

/**
 * Has caches forget a file and its variants. Never throws: where that fails they forget it by themselves when it would have
 * expired, and the operator finds it in the log.
 */
export async function purge(context: object, id: string): Promise<void> {
  const { cache } = context as Cached
  for (let left = TRIES; cache && left > 0; left -= 1) {
    const outcome = await cache.purge({ tags: [tagOf(id)] }).catch((error: unknown) => error)
    if (outcome && typeof outcome === 'object' && 'success' in outcome && outcome.success) return
    console.error(JSON.stringify({ level: 'error', event: 'purge', id, error: String(outcome) }))
  }
}
