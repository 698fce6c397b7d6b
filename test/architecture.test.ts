import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Who may import whom. A place may always import itself; the first row that fits decides. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'src/errors.ts': [],
  'src/clock.ts': [],
  'src/request-body.ts': ['src/errors.ts'],
  'src/parts.ts': [],
  'src/price.ts': [],
  'src/json-strings.ts': [],
  'src/host.ts': ['src/config.ts'],
  'src/env.ts': [
    ...[
      'src/generation',
      'src/config.ts',
      'src/host.ts',
      'src/hosting',
      'src/matte',
      'src/payments',
      'src/request-body.ts',
    ],
  ],
  'src/config.ts': [
    ...[
      'src/payments/protocol.ts',
      'src/payments/protocols',
      'src/generation/configuration.ts',
      'src/matte/options.ts',
    ],
  ],
  'src/images': ['src/errors.ts', 'src/json-strings.ts'],
  'src/matte': ['src/errors.ts', 'src/clock.ts', 'src/images/facts.ts'],
  'src/payments': [
    ...['src/env.ts', 'src/errors.ts', 'src/clock.ts', 'src/config.ts', 'src/request-body.ts', 'src/parts.ts'],
    'src/price.ts',
  ],
  'src/generation': [
    ...['src/env.ts', 'src/errors.ts', 'src/clock.ts', 'src/images', 'src/json-strings.ts', 'src/price.ts'],
  ],
  'src/hosting': [
    ...['src/env.ts', 'src/errors.ts', 'src/clock.ts', 'src/images', 'src/parts.ts'],
    // The stores that payments and generation ask for.
    ...['src/payments/result-store.ts', 'src/payments/upload.ts', 'src/payments/open-payments.ts'],
    ...['src/generation/output-store.ts', 'src/generation/provider.ts'],
  ],
  'src/operator.ts': ['src/env.ts', 'src/errors.ts'],
  'src/endpoint.ts': ['src/env.ts', 'src/errors.ts', 'src/operator.ts', 'src/payments'],
  'src/endpoints': [
    ...['src/endpoint.ts', 'src/env.ts', 'src/errors.ts', 'src/clock.ts', 'src/payments', 'src/images', 'src/matte'],
    ...['src/generation', 'src/hosting', 'src/config.ts', 'src/price.ts'],
  ],
  'src/job-parts.ts': ['src/errors.ts', 'src/generation', 'src/matte'],
  'src/docs': ['src/endpoint.ts', 'src/env.ts', 'src/errors.ts', 'src/payments/protocol.ts'],
  'src/app.ts': [
    'src/host.ts',
    'src/payments/protocols/index.ts',
    'src/request-body.ts',
    'src/clock.ts',
    'src/docs',
    'src/endpoint.ts',
    'src/endpoints/index.ts',
    'src/env.ts',
    'src/errors.ts',
  ],
  'src/index.ts': ['src'],
  // Whose service account the simulator of Google makes.
  'workers/local/upstreams': ['src/generation/google-token.ts', 'workers/local'],
  // What the local stack says of itself.
  'workers/local': ['models', 'src/generation/generation-row.ts'],
  admin: ['src/payments/open-payments.ts', 'src/hosting/sweep.ts', 'workers/local/stack-file.ts'],
  'workers/matte': ['src/matte', 'src/images', 'src/errors.ts', 'src/clock.ts', 'models'],
  // The same colours, orientations, files and queue.
  'workers/resize': [
    ...['src/hosting/resize.ts', 'src/images', 'src/clock.ts'],
    ...['colour', 'jpeg-data', 'picture', 'png-blocks', 'queue'].map((name) => `workers/matte/${name}.ts`),
  ],
  // The same files, codec and queue.
  'workers/preview': [
    ...['src/generation/preview.ts', 'src/images', 'src/clock.ts'],
    ...['codec', 'png-blocks', 'png-encoder', 'queue'].map((name) => `workers/matte/${name}.ts`),
  ],
  // The same pixels, on Node: it is the edge's maths that both use.
  'workers/container': ['src/matte', 'src/images', 'src/errors.ts', 'workers/matte', 'models'],
  'workers/infer': ['src/matte', 'models', '.build'],
  // What a model is taught with is seen as the product sees it.
  'models/train': ['models', 'workers/matte', 'workers/container/inference.ts'],
  // And it is measured so, too.
  'models/eval': ['models', 'src/matte', 'src/images', 'workers/matte', 'workers/container'],
  models: ['src/matte'],
}

/** Where each library may be imported. */
const libraries: readonly { library: RegExp; only: readonly string[] }[] = [
  { library: /^onnxruntime-/, only: ['workers/infer', 'workers/container'] },
  { library: /^@jsquash\//, only: ['workers/matte', 'workers/preview'] },
  { library: /^@cf-wasm\/photon/, only: ['workers/resize'] },
  { library: /^@cloudflare\/containers/, only: ['workers/container/worker.ts'] },
  // config.ts asks viem whether an address has a right checksum; facilitator.ts speaks the protocol's types.
  {
    library: /^(viem|ox|@x402\/|mppx|x402-)/,
    only: [
      'src/payments/protocols',
      'src/payments/chain.ts',
      'src/payments/facilitator.ts',
      'src/payments/tempo.ts',
      'src/config.ts',
      'workers/local',
      'admin',
    ],
  },
  {
    library: /^hono/,
    only: [
      'src/app.ts',
      'src/endpoint.ts',
      'src/payments/require-payment.ts',
      'src/payments/paid-work.ts',
      'src/payments/purchase.ts',
      'src/payments/sale.ts',
      'src/operator.ts',
      'src/docs',
      'workers/local',
      'workers/container',
    ],
  },
  { library: /^cloudflare:/, only: ['src/payments', 'src/hosting', 'src/generation', 'workers'] },
]

const lies = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`)
const files = ['src', 'workers', 'models', 'admin'].flatMap((folder) =>
  globSync(`${folder}/**/*.ts`, { cwd: root }).filter((file) => !file.endsWith('.d.ts')),
)
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(/^(?:import|export)[^'"]*?from '([^']+)'|^import '([^']+)'/gm),
  ].map(([, from, bare]) => from ?? bare ?? '')

describe('imports', () => {
  it('are read from every file', () => {
    expect(files.length).toBeGreaterThan(30)
    expect(importsOf('src/index.ts')).toContain('./app.ts')
  })

  it('go only where the house allows', () => {
    const broken = files.flatMap((file) => {
      const row = Object.keys(allowed).find((place) => lies(file, place))
      if (row === undefined) return [`${file} lies nowhere`]
      const reach = [row, ...(allowed[row] ?? [])]
      return importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => relative(root, join(root, dirname(file), specifier)))
        .filter((target) => !reach.some((place) => lies(target, place)))
        .map((target) => `${file} imports ${target}`)
    })
    expect(broken).toEqual([])
  })

  it('never lead from one endpoint to another', () => {
    const broken = files
      .filter((file) => lies(file, 'src/endpoints') && file !== 'src/endpoints/index.ts')
      .filter((file) => importsOf(file).some((specifier) => specifier.startsWith('./')))
    expect(broken).toEqual([])
  })

  it('keep each library in its place', () => {
    const broken = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) =>
          libraries.some(({ library, only }) => library.test(specifier) && !only.some((place) => lies(file, place))),
        )
        .map((specifier) => `${file} imports ${specifier}`),
    )
    expect(broken).toEqual([])
  })
})

describe('files', () => {
  it('stay under 300 lines', () => {
    const long = [...files, ...globSync('test/**/*.ts', { cwd: root })]
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 300)
    expect(long).toEqual([])
  })
})
