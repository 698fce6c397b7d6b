import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root = resolve(fileURLToPath(import.meta.url), '../../..')

const require = createRequire(import.meta.url)

/** One file of a bundled Worker. */
export interface BundledModule {
  readonly name: string
  readonly path: string
  readonly kind: 'esModule' | 'wasm' | 'data'
}

/** A Worker as it would be uploaded; its main module comes first. */
export interface Bundle {
  readonly folder: string
  readonly modules: readonly BundledModule[]
}

/** Bundles a Worker as `wrangler deploy` would, without deploying it. `config` is relative to the repository. */
export function bundleWorker(config: string): Bundle {
  const out = mkdtempSync(join(tmpdir(), 'pixtoll-bundle-'))
  const wrangler = join(dirname(require.resolve('wrangler/package.json')), 'bin/wrangler.js')
  execFileSync(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--containers-rollout=none', '-c', join(root, config), '--outdir', out],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const modules = readdirSync(out)
    .filter((name) => /\.(js|wasm|onnx)$/.test(name))
    .map((name) => ({ name, path: join(out, name), kind: findKind(name) }))
    .sort((a, b) => Number(b.kind === 'esModule') - Number(a.kind === 'esModule'))
  return { folder: out, modules }
}

function findKind(name: string): BundledModule['kind'] {
  if (name.endsWith('.js')) return 'esModule'
  return name.endsWith('.wasm') ? 'wasm' : 'data'
}

/** The bytes of every module of a bundle. */
export const readModules = ({ modules }: Bundle): Buffer[] => modules.map(({ path }) => readFileSync(path))
