/** `npm run check`: everything about the code that is not a test of behaviour. Runs all of it, then says what failed. */
import { weighBundles } from './bundles.ts'
import { findLockfileGaps } from './lockfile.ts'
import { runTool } from './tool.ts'

const node = (...parameters: string[]) => runTool('node', parameters)

const steps: readonly { name: string; run(): Promise<string | undefined> }[] = [
  { name: 'format and lint', run: () => runTool('biome', ['check', '--error-on-warnings', '.']).then(() => undefined) },
  { name: 'types of the Workers', run: () => runTool('tsc', ['-p', 'tsconfig.json']).then(() => undefined) },
  { name: 'types of tools and tests', run: () => runTool('tsc', ['-p', 'tsconfig.node.json']).then(() => undefined) },
  {
    name: 'types of tests in workerd',
    run: () => runTool('tsc', ['-p', 'test/workerd/tsconfig.json']).then(() => undefined),
  },
  { name: 'generated types are fresh', run: () => node('test/check/types.ts', '--check').then(() => undefined) },
  {
    name: 'the dev token matches its source',
    run: () => node('workers/local/contracts/compile.ts', '--check').then(() => undefined),
  },
  { name: 'model files match their rows', run: () => node('models/cli.ts', 'verify').then(() => undefined) },
  {
    name: 'import rules',
    run: () => runTool('vitest', ['run', '--project', 'node', 'test/architecture.test.ts']).then(() => undefined),
  },
  {
    name: 'lockfile holds every system',
    async run() {
      const gaps = await findLockfileGaps()
      if (gaps.length > 0) throw new Error(gaps.join('\n'))
      return undefined
    },
  },
  {
    name: 'bundle sizes',
    async run() {
      const bundles = weighBundles()
      const lines = bundles.map(
        ({ worker, rawKiB, gzipKiB, limitKiB }) =>
          `    ${worker}: ${rawKiB} KiB, gzip ${gzipKiB} KiB (limit ${limitKiB})`,
      )
      if (bundles.some(({ gzipKiB, limitKiB }) => gzipKiB > limitKiB)) throw new Error(`too large\n${lines.join('\n')}`)
      return lines.join('\n')
    },
  },
]

let failed = 0
for (const { name, run } of steps) {
  try {
    const detail = await run()
    console.log(`ok    ${name}${detail ? `\n${detail}` : ''}`)
  } catch (error) {
    failed += 1
    console.log(`FAIL  ${name}\n${error instanceof Error ? error.message : error}`)
  }
}
console.log(failed === 0 ? 'all checks hold' : `${failed} of ${steps.length} checks failed`)
process.exitCode = failed === 0 ? 0 : 1
