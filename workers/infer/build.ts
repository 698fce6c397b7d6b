/**
 * What must hold before the infer Worker is bundled; wrangler runs it (`[build]` in wrangler.toml).
 * Fails if a model file is not the one its row describes, and writes the ONNX Runtime's WebAssembly with unshared
 * memory.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifyModels } from '../../models/verify.ts'
import { clearSharedMemory } from './unshare.ts'

const root = resolve(fileURLToPath(import.meta.url), '../../..')
const folder = resolve(root, '.build')
const target = resolve(folder, 'ort-wasm-simd.wasm')
const stamp = resolve(folder, 'ort-wasm-simd.json')

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What the stamp says if `made` was made from `original` and nobody has touched either since. */
const describe = (original: Uint8Array, made: Uint8Array): string =>
  JSON.stringify({ from: hash(original), to: hash(made) })

function writeWasm(): void {
  const original = readFileSync(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
  const isFresh = existsSync(target) && existsSync(stamp)
  if (isFresh && readFileSync(stamp, 'utf8') === describe(original, readFileSync(target))) return
  const made = clearSharedMemory(original)
  mkdirSync(folder, { recursive: true })
  // Renamed into place, since several builds may run at once and none may read half a file.
  const draft = `${target}.${process.pid}`
  writeFileSync(draft, made)
  renameSync(draft, target)
  writeFileSync(stamp, describe(original, made))
}

const faults = verifyModels()
if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exit(1)
}
writeWasm()
