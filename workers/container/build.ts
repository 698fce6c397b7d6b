/**
 * `node workers/container/build.ts FOLDER`: everything that the Container needs at run time, in one folder: the server
 * in one file, the native packages that it cannot hold, and the matte models.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'
import { defaultMatteModel } from '../../models/index.ts'
import { pulledModels } from '../../models/registry.ts'
import { locateModel, locateSum, verifyModels } from '../../models/verify.ts'

const root = resolve(import.meta.dirname, '../..')
/** Packages with native parts. */
const native = ['sharp', 'onnxruntime-node']

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** What a package needs at run time, itself among it: only what is installed here, so only for this system. */
function collect(name: string, found = new Set<string>()): Set<string> {
  const folder = join(root, 'node_modules', name)
  if (found.has(name) || !existsSync(folder)) return found
  found.add(name)
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Manifest
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) collect(needed, found)
  return found
}

/** Whether a file is a binary of ONNX Runtime for another system. */
const isForeign = (path: string): boolean => {
  const [, system, processor] = /onnxruntime-node\/bin\/[^/]+\/([^/]+)(?:\/([^/]+))?/.exec(path) ?? []
  if (system === undefined) return false
  return system !== process.platform || (processor !== undefined && processor !== process.arch)
}

const [, , target] = process.argv
if (!target) {
  console.error('usage: node workers/container/build.ts FOLDER')
  process.exit(1)
}
const models = [defaultMatteModel, ...pulledModels.filter((model) => existsSync(locateModel(model)))]
const faults = verifyModels(models)
if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exit(1)
}
rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
await build({
  entryPoints: [join(root, 'workers/container/server.ts')],
  outfile: join(target, 'server.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  external: native,
  // Some packages are CommonJS inside.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'warning',
})
for (const name of new Set(native.flatMap((needed) => [...collect(needed)]))) {
  const from = join(root, 'node_modules', name)
  cpSync(from, join(target, 'node_modules', name), { recursive: true, filter: (path) => !isForeign(path) })
}
for (const model of models) {
  const to = join(target, 'models', model.file)
  mkdirSync(dirname(to), { recursive: true })
  cpSync(locateModel(model), to)
  const notice = locateModel(model).replace(/\.onnx$/, '.licence.json')
  if (existsSync(notice)) cpSync(notice, to.replace(/\.onnx$/, '.licence.json'))
  if (existsSync(locateSum(model))) cpSync(locateSum(model), `${to}.sha256`)
}
cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
console.log(`${target}: the server, ${native.join(', ')} and what they need, ${models.map(({ id }) => id).join(', ')}`)
