/** `npm run types`: writes the types that wrangler derives from each wrangler.toml. `--check`: fails if one is stale. */
import { runTool } from './tool.ts'

const generated = [
  ['-c', 'wrangler.toml', '--include-env=false', 'workers/runtime.generated.d.ts'],
  ['-c', 'wrangler.toml', '--include-runtime=false', '--strict-vars=false', 'src/env.generated.d.ts'],
]
const flags = process.argv.includes('--check') ? ['--check'] : []
for (const target of generated) await runTool('wrangler', ['types', ...target, ...flags])
