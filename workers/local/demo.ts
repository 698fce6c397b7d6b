/** `npm run demo [-- PHOTO] [-- --out FILE]`: buys one cut-out with a stock x402 client, and says what happened. */
import { readFile, writeFile } from 'node:fs/promises'
import { basename, extname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ExactEvmScheme } from '@x402/evm'
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch'
import { createPublicClient, formatUnits, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createInterruption, waitForAbort } from './interruption.ts'
import { installLocalhostLookup } from './localhost.ts'
import { startStack } from './stack.ts'
import { findRunningStack, root, type Stack, StackError } from './stack-file.ts'
import { tokenAbi } from './token.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
}
/** Where npm was called; npm itself goes to the repository's root. */
const here = process.env.INIT_CWD ?? process.cwd()
const USAGE = 'Usage: npm run demo -- [PHOTO] [--out FILE]'

/** Something that whoever runs the demo can put right; the message is a sentence for them. */
class DemoError extends Error {
  override name = 'DemoError'
}

interface Photo {
  readonly path: string
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly out: string
}

const isErrorWithCode = (error: unknown): error is Error & { code: string } => error instanceof Error && 'code' in error

/** Reads what the command line names. */
async function readPhoto(args: readonly string[]): Promise<Photo> {
  const { values, positionals } = parseCommandLine(args)
  const [named, ...more] = positionals
  if (more.length > 0) throw new DemoError(`One photo at a time. ${USAGE}`)
  const path = named === undefined ? join(root, 'test/fixtures/photos/flower.jpg') : resolve(here, named)
  const extension = extname(path)
  const type = TYPES[extension.toLowerCase()]
  if (!type) throw new DemoError(`${relative(here, path)} is not called .png, .jpg, .jpeg or .webp.`)
  const out = resolve(here, values.out ?? `${basename(path, extension)}-cutout.png`)
  try {
    return { path: relative(here, path), type, bytes: new Uint8Array(await readFile(path)), out }
  } catch (error) {
    const reason = isErrorWithCode(error) && error.code === 'ENOENT' ? 'There is no such file' : 'It cannot be read'
    throw new DemoError(`${relative(here, path)}: ${reason}.`, { cause: error })
  }
}

function parseCommandLine(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { out: { type: 'string', short: 'o' } }, allowPositionals: true })
  } catch (error) {
    throw new DemoError(`${explainFailure(error).split('. ')[0]}. ${USAGE}`)
  }
}

/** What the gateway says is wrong, as a sentence. */
async function explainRefusal(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { error, message, request_id: id } = JSON.parse(text) as Record<string, unknown>
    return `The gateway answered ${response.status} ${error}: ${message}${id ? ` (request ${id})` : ''}`
  } catch {
    return `The gateway answered ${response.status}: ${text.slice(0, 200)}`
  }
}

/** An error in words, with what lies behind it: fetch says only "fetch failed". */
function explainFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause ? `${error.message}: ${explainFailure(error.cause)}` : error.message
}

const formatUsdc = (units: bigint): string => `${formatUnits(units, 6)} USDC`

/** Buys the cut-out and writes it. */
async function buyCutout(stack: Stack, photo: Photo): Promise<void> {
  const payer = privateKeyToAccount(stack.demo.evmKey)
  const chain = createPublicClient({ transport: http(stack.rpc) })
  const readBalance = () =>
    chain.readContract({ address: stack.usdc, abi: tokenAbi, functionName: 'balanceOf', args: [payer.address] })
  const url = `${stack.gateway}/v1/remove-background`
  console.log(`asked  POST ${url}  with ${photo.path} (${photo.type}, ${photo.bytes.length} bytes)`)

  const before = await readBalance()
  const pay = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: `eip155:${stack.chainId}`, client: new ExactEvmScheme(payer) }],
  })
  const started = performance.now()
  const init = { method: 'POST', headers: { 'Content-Type': photo.type }, body: photo.bytes }
  const response = await pay(url, init).catch((error: unknown) => {
    throw new DemoError(`The call failed: ${explainFailure(error)}`, { cause: error })
  })
  if (!response.ok) throw new DemoError(await explainRefusal(response))
  const cutout = new Uint8Array(await response.arrayBuffer())
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const after = await readBalance()

  const receipt = response.headers.get('PAYMENT-RESPONSE')
  const transaction = receipt ? decodePaymentResponseHeader(receipt).transaction : 'none named'
  console.log(`paid   ${formatUsdc(before - after)} from ${payer.address} to ${stack.payTo}`)
  console.log(`       transaction ${transaction}`)
  console.log(`       the payer had ${formatUsdc(before)} and has ${formatUsdc(after)}`)

  const read = (name: string) => response.headers.get(name) ?? 'unknown'
  const coverage = `${(Number(read('X-Foreground-Coverage')) * 100).toFixed(1)} %`
  console.log(
    `got    ${read('Content-Type')}, ${read('X-Image-Width')} x ${read('X-Image-Height')} px, in ${seconds} s`,
  )
  console.log(`       model ${read('X-Model')}; the foreground covers ${coverage}`)
  await writeFile(photo.out, cutout)
  console.log(`wrote  ${relative(here, photo.out)} (${cutout.length} bytes)`)
}

/** Runs `use` on a stack that is brought up for it alone, and ends that again. */
async function withOwnStack(signal: AbortSignal, use: (stack: Stack) => Promise<void>): Promise<void> {
  console.log('No stack is running (npm run dev): starting one for this call.')
  const said: string[] = []
  const running = await startStack({ port: 0, onLine: (line) => said.push(line), signal })
  try {
    await Promise.race([use(running.stack), waitForAbort(signal)])
  } catch (error) {
    // Nobody else shows what the Workers complained about.
    for (const line of said) if (!line.includes('"level":"info"')) console.error(line)
    throw error
  } finally {
    await running.stop()
  }
}

async function main(): Promise<number> {
  installLocalhostLookup()
  const interrupted = createInterruption()
  try {
    const photo = await readPhoto(process.argv.slice(2))
    const present = await findRunningStack()
    if (present) await Promise.race([buyCutout(present, photo), waitForAbort(interrupted)])
    else await withOwnStack(interrupted, (stack) => buyCutout(stack, photo))
    return interrupted.aborted ? 130 : 0
  } catch (error) {
    if (interrupted.aborted) return 130
    console.error(error instanceof DemoError || error instanceof StackError ? error.message : error)
    return 1
  }
}

process.exit(await main())
