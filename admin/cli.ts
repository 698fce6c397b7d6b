/**
 * `npm run admin -- payments`: what the operator of a deployment should know of. `PIXTOLL_URL` and `ADMIN_TOKEN` in the
 * environment name the deployment; without them it is the one that `npm run dev` runs.
 */
import { formatUnits } from 'viem'
import type { OpenPayment } from '../src/payments/open-payments.ts'
import { findRunningStack, StackError } from '../workers/local/stack-file.ts'

const USAGE = 'Usage: [PIXTOLL_URL=https://… ADMIN_TOKEN=…] npm run admin -- payments'

interface Deployment {
  readonly url: string
  readonly token: string
}

/** Something that the operator can put right; the message is a sentence for them. */
class AdminError extends Error {
  override name = 'AdminError'
}

async function findDeployment(): Promise<Deployment> {
  const { PIXTOLL_URL: url, ADMIN_TOKEN: token } = process.env
  if (url && token) return { url: url.replace(/\/+$/, ''), token }
  if (url || token) throw new AdminError(`PIXTOLL_URL and ADMIN_TOKEN go together. ${USAGE}`)
  const stack = await findRunningStack()
  if (!stack) throw new AdminError(`No deployment is named, and no stack runs here. ${USAGE}`)
  return { url: stack.gateway, token: stack.adminToken }
}

async function readPage(
  { url, token }: Deployment,
  cursor: string,
): Promise<{ payments: OpenPayment[]; cursor: string | null }> {
  const page = `${url}/admin/payments?${new URLSearchParams({ cursor })}`
  const answer = await fetch(page, { headers: { Authorization: `Bearer ${token}` } }).catch((error: Error) => {
    throw new AdminError(
      `${url} does not answer: ${error.cause instanceof Error ? error.cause.message : error.message}`,
    )
  })
  if (answer.ok) return (await answer.json()) as { payments: OpenPayment[]; cursor: string | null }
  const said = (await answer.json().catch(() => ({}))) as { message?: string }
  throw new AdminError(`${url} answers ${answer.status}: ${said.message ?? 'nothing that can be read'}`)
}

function describe({ state, payment, payer, amount, route, since, transaction, owedUntil, cause }: OpenPayment): string {
  const facts = [
    ['payer', payer],
    ['for', route],
    ['since', since],
    ['transaction', transaction],
    ['owed until', owedUntil],
    ['cause', cause],
  ]
  const lines = facts.flatMap(([name, value]) => (value ? [`  ${name!.padEnd(12)}${value}`] : []))
  return [`${state.padEnd(8)}$${formatUnits(BigInt(amount), 6)}  ${payment}`, ...lines].join('\n')
}

async function listPayments(): Promise<void> {
  const deployment = await findDeployment()
  let count = 0
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await readPage(deployment, cursor)
    for (const payment of page.payments) console.log(describe(payment))
    count += page.payments.length
    cursor = page.cursor
  }
  console.log(count === 0 ? 'No open payments.' : `${count} open.`)
}

const commands: Readonly<Record<string, () => Promise<void>>> = { payments: listPayments }
const command = commands[process.argv[2] ?? '']
try {
  if (!command || process.argv.length > 3) throw new AdminError(USAGE)
  await command()
} catch (error) {
  const isSentence = error instanceof AdminError || error instanceof StackError
  console.error(isSentence ? error.message : error)
  process.exitCode = 1
}
