import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Bundle, bundleWorker, readModules } from './bundle.ts'
import { type Bench, median, type Row, round } from './table.ts'
import { startWorkerd } from './workerd.ts'

/** The Workers that are deployed, by the configuration that deploys them. */
const workers = {
  gateway: 'wrangler.toml',
  matte: 'workers/matte/wrangler.toml',
  resize: 'workers/resize/wrangler.toml',
  preview: 'workers/preview/wrangler.toml',
  infer: 'workers/infer/wrangler.toml',
} as const

const starts = 5

/** A Worker that does nothing: what starting the runtime itself takes. */
function createEmpty(): Bundle {
  const folder = mkdtempSync(join(tmpdir(), 'pixtoll-bundle-'))
  const path = join(folder, 'index.js')
  writeFileSync(path, 'export default { fetch: () => new Response(null) }')
  return { folder, modules: [{ name: 'index.js', path, kind: 'esModule' }] }
}

async function measure(name: string, bundle: Bundle): Promise<Row> {
  const modules = readModules(bundle)
  const times: number[] = []
  for (let i = 0; i < starts; i += 1) {
    const started = performance.now()
    const workerd = await startWorkerd(bundle)
    times.push(performance.now() - started)
    await workerd.stop()
  }
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0)
  return {
    Worker: name,
    'raw, KiB': round(sum(modules.map((bytes) => bytes.length)) / 1024, 0),
    'gzip, KiB': round(sum(modules.map((bytes) => gzipSync(bytes).length)) / 1024, 0),
    'start to first answer, ms': round(median(times), 0),
  }
}

export const bundles: Bench = {
  name: 'bundles',
  about:
    'What `wrangler deploy` would upload, and the time from the start of a raw workerd with that Worker alone, ' +
    `without bindings, to its first answer of any kind (median of ${starts}).`,
  async run() {
    const rows = [await measure('(an empty one)', createEmpty())]
    for (const [name, config] of Object.entries(workers)) rows.push(await measure(name, bundleWorker(config)))
    return rows
  },
}
