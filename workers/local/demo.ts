/** `npm run demo`: buys one cut-out, or one picture, with the stock client of a protocol, and says what happened. */
import { readFile, writeFile } from 'node:fs/promises'
import { basename, extname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chooseHost, DemoError, explainFailure, explainRefusal, reportPayment } from './demo-call.ts'
import { type DemoProtocol, demoClients } from './demo-clients.ts'
import { generatePicture } from './demo-generate.ts'
import { type Host, hosts } from './hosts.ts'
import { createInterruption, waitForAbort } from './interruption.ts'
import { installLocalhostLookup } from './localhost.ts'
import { startStack } from './stack.ts'
import { findRunningStack, root, type Stack, StackError } from './stack-file.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
}
/** Where npm was called; npm itself goes to the repository's root. */
const here = process.env.INIT_CWD ?? process.cwd()
const USAGE =
  'Usage: npm run demo -- [PHOTO] [--out FILE] [--quality auto|fast|best] [--protocol x402|mpp] [--host apex|x402|mpp], ' +
  'or npm run demo -- generate "PROMPT" [--out FILE] [--protocol …] [--host …]'

interface Photo {
  readonly path: string
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly out: string
}

const isErrorWithCode = (error: unknown): error is Error & { code: string } => error instanceof Error && 'code' in error

const qualities = ['auto', 'fast', 'best'] as const
type Quality = (typeof qualities)[number]

/** What the command line asks for. */
interface Order {
  /** Does it, on a stack that runs. */
  readonly run: (stack: Stack) => Promise<void>
}

interface CutOutOrder {
  readonly photo: Photo
  readonly protocol: DemoProtocol
  /** The one that suits the protocol unless given. */
  readonly host: Host | undefined
  /** `auto` unless given. */
  readonly quality: Quality
}

async function readOrder(args: readonly string[]): Promise<Order> {
  const { values, positionals } = parseCommandLine(args)
  const protocol = readChoice('--protocol', values.protocol, Object.keys(demoClients) as DemoProtocol[])
  const host = values.host === undefined ? undefined : readChoice('--host', values.host, hosts)
  const [named, ...more] = positionals
  if (named === 'generate') {
    const [prompt, ...others] = more
    if (!prompt || others.length > 0) throw new DemoError(`Give one prompt, in quotes. ${USAGE}`)
    const out = resolve(here, values.out ?? 'generated.png')
    return { run: (stack) => generatePicture(stack, { prompt, protocol, host, out, here }) }
  }
  if (more.length > 0) throw new DemoError(`One photo at a time. ${USAGE}`)
  const quality = readChoice('--quality', values.quality, qualities)
  const order = { photo: await readPhoto(named, values.out), protocol, host, quality }
  return { run: (stack) => buyCutout(stack, order) }
}

function readChoice<Choice extends string>(option: string, given: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === given)
  if (choice) return choice
  throw new DemoError(`${option} ${given}: there is no such thing here, choose ${choices.join(' or ')}. ${USAGE}`)
}

/** Reads the photo that is named, or one of the repository's own. */
async function readPhoto(named: string | undefined, wantedOut: string | undefined): Promise<Photo> {
  const path = named === undefined ? join(root, 'test/fixtures/photos/flower.jpg') : resolve(here, named)
  const extension = extname(path)
  const type = TYPES[extension.toLowerCase()]
  if (!type) throw new DemoError(`${relative(here, path)} is not called .png, .jpg, .jpeg or .webp.`)
  const out = resolve(here, wantedOut ?? `${basename(path, extension)}-cutout.png`)
  try {
    return { path: relative(here, path), type, bytes: new Uint8Array(await readFile(path)), out }
  } catch (error) {
    const reason = isErrorWithCode(error) && error.code === 'ENOENT' ? 'There is no such file' : 'It cannot be read'
    throw new DemoError(`${relative(here, path)}: ${reason}.`, { cause: error })
  }
}

function parseCommandLine(args: readonly string[]) {
  try {
    const options = {
      out: { type: 'string', short: 'o' },
      protocol: { type: 'string', default: 'x402' },
      quality: { type: 'string', default: 'auto' },
      host: { type: 'string' },
    } as const
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new DemoError(`${explainFailure(error).split('. ')[0]}. ${USAGE}`)
  }
}

/** Buys the cut-out and writes it. */
async function buyCutout(stack: Stack, { photo, protocol, host, quality }: CutOutOrder): Promise<void> {
  const client = demoClients[protocol](stack)
  const path = `/v1/remove-background${quality === 'auto' ? '' : `?quality=${quality}`}`
  const { url, fetch, offered } = chooseHost(stack, protocol, host ?? client.host, path)
  console.log(`asked  POST ${url}  with ${photo.path} (${photo.type}, ${photo.bytes.length} bytes)`)
  if (!offered) console.log(`       this host does not offer ${protocol} but takes it: challenge from ${stack.gateway}`)

  const before = await client.readBalance()
  const pay = client.createPayingFetch(fetch)
  const started = performance.now()
  const init = { method: 'POST', headers: { 'Content-Type': photo.type }, body: photo.bytes }
  const response = await pay(url, init).catch((error: unknown) => {
    throw new DemoError(`The call failed: ${explainFailure(error)}`, { cause: error })
  })
  if (!response.ok) throw new DemoError(await explainRefusal(response))
  const cutout = new Uint8Array(await response.arrayBuffer())
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  await reportPayment(client, response, before)

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
    const order = await readOrder(process.argv.slice(2))
    const present = await findRunningStack()
    if (present) await Promise.race([order.run(present), waitForAbort(interrupted)])
    else await withOwnStack(interrupted, order.run)
    return interrupted.aborted ? 130 : 0
  } catch (error) {
    if (interrupted.aborted) return 130
    console.error(error instanceof DemoError || error instanceof StackError ? error.message : error)
    return 1
  }
}

process.exit(await main())
