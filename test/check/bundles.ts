import { gzipSync } from 'node:zlib'
import { bundleWorker, readModules } from '../bench/bundle.ts'

/**
 * What may be uploaded of each Worker, gzipped, in KiB: a little above what it is, so that growth is a decision.
 * Matte is three codecs, resize photon, preview one codec, infer ONNX Runtime (14 MB of wasm) and the model, container the class that
 * starts its image.
 */
const limits = [
  { worker: 'gateway', config: 'wrangler.toml', limitKiB: 300 },
  { worker: 'matte', config: 'workers/matte/wrangler.toml', limitKiB: 300 },
  { worker: 'resize', config: 'workers/resize/wrangler.toml', limitKiB: 650 },
  { worker: 'preview', config: 'workers/preview/wrangler.toml', limitKiB: 180 },
  { worker: 'infer', config: 'workers/infer/wrangler.toml', limitKiB: 7_800 },
  { worker: 'container', config: 'workers/container/wrangler.toml', limitKiB: 30 },
] as const

export interface WeighedBundle {
  readonly worker: string
  readonly rawKiB: number
  readonly gzipKiB: number
  readonly limitKiB: number
}

/** Bundles every Worker as a deployment would, and weighs it. */
export function weighBundles(): WeighedBundle[] {
  const sum = (modules: readonly Uint8Array[]) =>
    Math.ceil(modules.reduce((bytes, { length }) => bytes + length, 0) / 1024)
  return limits.map(({ worker, config, limitKiB }) => {
    const modules = readModules(bundleWorker(config))
    const gzipKiB = sum(modules.map((module) => gzipSync(module)))
    return { worker, rawKiB: sum(modules), gzipKiB, limitKiB }
  })
}
