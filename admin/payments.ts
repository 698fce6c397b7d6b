import { formatUnits } from 'viem'
import type { OpenPayment } from '../src/payments/open-payments.ts'
import { callPages, type Deployment } from './deployment.ts'

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

/** Prints the payments that somebody should know of. */
export async function listPayments(deployment: Deployment): Promise<void> {
  let count = 0
  const pages = callPages<{ payments: OpenPayment[]; cursor: string | null }>(deployment, 'GET', '/admin/payments')
  for await (const { payments } of pages) {
    for (const payment of payments) console.log(describe(payment))
    count += payments.length
  }
  console.log(count === 0 ? 'No open payments.' : `${count} open.`)
}
