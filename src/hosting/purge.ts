import { tagOf } from './serve.ts'

/** Cloudflare's cache, where the Worker stands behind one. */
type Cached = { readonly cache?: { purge(options: { tags: string[] }): Promise<unknown> } }

/** Has caches forget a file and its variants. Where that fails they do so by themselves when it would have expired. */
export async function purge(context: object, id: string): Promise<void> {
  const { cache } = context as Cached
  await cache?.purge({ tags: [tagOf(id)] }).catch((error: unknown) => {
    console.error(JSON.stringify({ level: 'error', event: 'purge', id, error: String(error) }))
  })
}
