import { spawn } from 'node:child_process'

/** Tools run without telemetry, banners and look-ups on the network. */
const quiet = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

/**
 * Runs a tool of node_modules/.bin (npm scripts have it on their path) and answers what it printed.
 * @throws Error with that text when it fails
 */
export async function runTool(command: string, parameters: readonly string[]): Promise<string> {
  const child = spawn(command, parameters, {
    env: { ...process.env, ...quiet },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject).on('close', resolve)
  const code = await promise
  if (code !== 0) throw new Error(`${command} ${parameters.join(' ')} exited with ${code}\n${output.trim()}`)
  return output
}
