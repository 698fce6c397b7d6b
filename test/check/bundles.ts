import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { runTool } from './tool.ts'

/**
 * What may be uploaded of each Worker, gzipped, in KiB: a little above what it is, so that growth is a decision.
 * Infer is ONNX Runtime (14 MB of wasm) and the model.
 */
const limits = [
  { worker: 'gateway', config: 'wrangler.toml', gzipKiB: 135 },
  { worker: 'matte', config: 'workers/matte/wrangler.toml', gzipKiB: 120 },
  { worker: 'infer', config: 'workers/infer/wrangler.toml', gzipKiB: 6_500 },
] as const

export interface Bundle {
  readonly worker: string
  readonly rawKiB: number
  readonly gzipKiB: number
  readonly limitKiB: number
}

async function measure(directory: string): Promise<{ raw: number; gzip: number }> {
  let raw = 0
  let gzip = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.(map|md)$/.test(entry.name)) continue
    const bytes = await readFile(join(entry.parentPath, entry.name))
    raw += bytes.length
    gzip += gzipSync(bytes).length
  }
  return { raw, gzip }
}

/** Bundles every Worker as a deployment would, and weighs it. */
export async function weighBundles(): Promise<Bundle[]> {
  const bundles: Bundle[] = []
  for (const { worker, config, gzipKiB: limitKiB } of limits) {
    const directory = await mkdtemp(join(tmpdir(), 'pixtoll-bundle-'))
    try {
      await runTool('wrangler', ['deploy', '-c', config, '--dry-run', '--outdir', directory])
      const { raw, gzip } = await measure(directory)
      bundles.push({ worker, rawKiB: Math.ceil(raw / 1024), gzipKiB: Math.ceil(gzip / 1024), limitKiB })
    } finally {
      await rm(directory, { recursive: true })
    }
  }
  return bundles
}
