/** `npm run dev`: the whole product on this machine, until Ctrl-C. */
import { stripVTControlCharacters } from 'node:util'
import { decodePaymentRequiredHeader } from '@x402/core/http'
import { formatUnits } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { createInterruption, waitForAbort } from './interruption.ts'
import { installLocalhostLookup } from './localhost.ts'
import { type RunningStack, startStack } from './stack.ts'
import { findRunningStack, publishStack, type Stack, StackError } from './stack-file.ts'

function readPort(text: string | undefined): number | undefined {
  if (!text) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new StackError(`PORT=${text} is not a port: give a number from 1 to 65535, or 0 for any free one.`)
}

/** The price of a cut-out in USDC, as the gateway's own challenge names it. */
async function readPrice({ gateway }: Stack): Promise<string> {
  const answer = await fetch(`${gateway}/v1/remove-background`, { method: 'POST' })
  await answer.body?.cancel()
  const header = answer.headers.get('PAYMENT-REQUIRED')
  const [offer] = header ? decodePaymentRequiredHeader(header).accepts : []
  return offer ? `${formatUnits(BigInt(offer.amount), 6)} USDC` : `unknown: it answers ${answer.status}`
}

async function describeStack(stack: Stack): Promise<string> {
  const { gateway, rpc, chainId, facilitator, usdc, payTo, demo } = stack
  const price = await readPrice(stack).catch(() => 'unknown')
  return `
Pixtoll runs on this machine. Ctrl-C ends all of it.

  gateway      ${gateway}   /openapi.json  /llms.txt  /health
  chain        ${rpc}   EVM, id ${chainId}, in memory, mines at once
  facilitator  ${facilitator}   x402 v1 and v2, settles on that chain
  USDC         ${usdc}
  paid to      ${payTo}
  demo wallet  ${privateKeyToAddress(demo.evmKey)}   10,000 USDC and test ETH
  a cut-out    ${price}

Next, in another terminal:

  npm run demo -- test/fixtures/photos/flower.jpg      pays, and writes flower-cutout.png
  curl -i -X POST ${gateway}/v1/remove-background      shows the 402 and what it asks

`
}

async function runUntil(signal: AbortSignal, running: RunningStack): Promise<number> {
  const remove = await publishStack(running.stack)
  process.stdout.write(await describeStack(running.stack))
  await Promise.race([waitForAbort(signal), running.ended])
  await remove()
  if (signal.aborted) return 0
  console.error('The Workers ended by themselves, so everything else ends too.')
  return 1
}

async function main(): Promise<number> {
  installLocalhostLookup()
  const interrupted = createInterruption()
  try {
    const port = readPort(process.env.PORT)
    // A file that holds something else is nobody's stack, and is replaced.
    const other = await findRunningStack().catch(() => undefined)
    if (other) throw new StackError(`A stack of this checkout runs already, at ${other.gateway}. End it first.`)
    const running = await startStack({
      ...(port !== undefined && { port }),
      onLine: (line) => console.log(process.stdout.isTTY ? line : stripVTControlCharacters(line)),
      signal: interrupted,
    })
    try {
      return await runUntil(interrupted, running)
    } finally {
      await running.stop()
    }
  } catch (error) {
    if (interrupted.aborted) return 0
    console.error(error instanceof StackError ? error.message : error)
    return 1
  }
}

process.exit(await main())
