import type { Hex, PrivateKeyAccount } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  balanceOf,
  cancel,
  createCaller,
  createPayer,
  decode,
  measureIncome,
  type SignedPayment,
  stack as shared,
  sign,
  v2,
  withFaults,
} from '../e2e/kit.ts'
import { frontRun, steal, withRpcFaults } from '../e2e/kit-chain.ts'
import { createMppClient, createTempoPayer, measureTempoIncome } from '../e2e/kit-mpp.ts'
import { createFetch } from '../e2e/stock-clients.ts'
import { useUpstreams } from './kit-upstreams.ts'
import { waitUntil, watchCall } from './own-stack.ts'

const PRICE = 50_000n
const model = 'seedream-4.0'
const upstreams = useUpstreams({ GENERATION_MODELS: JSON.stringify({ [model]: { settlement: 'on_success' } }) })

interface Job {
  readonly id: string
  readonly status: string
  readonly progress: number
  readonly payment?: string
  readonly error?: string
  readonly retryable?: boolean
  readonly output: readonly { url: string }[]
}

const url = `${shared.gateway}/v1/images/generate`
const init = (prompt: string, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify({ model, prompt }),
})
const generate = (prompt: string, headers: Readonly<Record<string, string>>) => fetch(url, init(prompt, headers))
const jobOf = async (response: Response) => (await response.json()) as Job
const signLong = (payer: PrivateKeyAccount) => sign(payer, { value: PRICE, validBefore: 900 })
const show = (payment: SignedPayment) => ({ ...v2(payment), ...createCaller() })
const receiptOf = ({ headers }: Response) => {
  const header = headers.get('payment-response')
  return header && decode<{ success: boolean; transaction: string }>(header)
}
const read = (id: string) => fetch(`${shared.gateway}/v1/generations/${id}`)

/** The answer about a job once its status is this, or another that will not change. */
async function waitFor(id: string, isSo = ({ status }: Job) => !/^(pending|processing)$/.test(status)) {
  let answer: Response | undefined
  let job: Job | undefined
  await waitUntil(`a change of ${id}`, async () => {
    answer = await read(id).catch(() => undefined)
    job = answer && (await jobOf(answer.clone()))
    return job !== undefined && isSo(job)
  })
  return { answer: answer!, job: job! }
}

describe('a model that is paid for on success', () => {
  it('asks for an authorization of 15 minutes, charges when the output is stored, with the receipt then', async () => {
    const payer = await createPayer(PRICE)
    const challenge = await generate('a boat', createCaller())
    const { accepts } = decode<{ accepts: { maxTimeoutSeconds: number }[] }>(challenge.headers.get('payment-required'))
    expect(accepts[0]!.maxTimeoutSeconds).toBe(900)
    const [income, { accepted, end }] = await measureIncome(async () => {
      const answer = await createFetch(payer)(url, init('a boat', createCaller()))
      const job = await jobOf(answer)
      return { accepted: { answer, job }, end: await waitFor(job.id) }
    })
    expect([accepted.answer.status, receiptOf(accepted.answer)]).toEqual([202, null])
    expect(accepted.job.payment).toBe('authorized')
    expect(end.job).toMatchObject({ status: 'completed', payment: 'settled' })
    expect([income, receiptOf(end.answer)]).toEqual([PRICE, expect.objectContaining({ success: true })])
    expect((await fetch(new URL(new URL(end.job.output[0]!.url).pathname, shared.gateway))).status).toBe(200)
  })

  it('charges nothing for a failed job, says so, and its payment buys another', async () => {
    const payer = await createPayer(PRICE)
    const headers = show(await signLong(payer))
    const [income, { job }] = await measureIncome(() =>
      upstreams.withFaults([{ op: 'seedream', mode: 'blocked' }], async () => {
        const accepted = await jobOf(await generate('something bad', headers))
        return waitFor(accepted.id)
      }),
    )
    expect([income, job]).toEqual([0n, expect.objectContaining({ status: 'failed', error: 'content_blocked' })])
    expect(job.payment).toBe('not_charged')
    const again = await fetch(`${shared.gateway}/v1/generations/${job.id}/retry`, { method: 'POST' })
    expect(again.status).toBe(409)
    const other = await jobOf(await generate('a bench', headers))
    expect([other.id === job.id, (await waitFor(other.id)).job.status]).toEqual([false, 'completed'])
    expect(await balanceOf(payer.address)).toBe(0n)
  })

  it('gives the same job to the same payment, again and again, charged once', async () => {
    const headers = show(await signLong(await createPayer(PRICE)))
    const [income, ids] = await measureIncome(async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => generate('a clock', headers)))
      const jobs = await Promise.all(answers.map(jobOf))
      await waitFor(jobs[0]!.id)
      return [...jobs, await jobOf(await generate('a clock', headers))].map(({ id }) => id)
    })
    expect([new Set(ids).size, income]).toEqual([1, PRICE])
  })

  it('withholds the output while nobody knows whether it was paid, and hands it over when that is known', async () => {
    const headers = show(await signLong(await createPayer(PRICE)))
    const lost = [{ op: 'settle', mode: '500', when: 'after', count: 1 }]
    const blind = ['eth_getLogs', 'eth_getBlockByNumber'].map((method) => ({ method, mode: 'error' }))
    const [income, { withheld, end }] = await measureIncome(async () => {
      const settling = await watchCall('settle')
      const { id } = await jobOf(await generate('a kite', headers))
      const withheld = await withFaults(lost, () =>
        withRpcFaults(blind, async () => {
          await settling()
          // The money has moved, and nobody can see that.
          return jobOf(await fetch(`${shared.gateway}/v1/generations/${id}?wait=2`))
        }),
      )
      return { withheld, end: await waitFor(id) }
    })
    expect(withheld).toMatchObject({ status: 'processing', output: [], payment: 'authorized' })
    expect([end.job.status, receiptOf(end.answer), income]).toEqual([
      'completed',
      expect.objectContaining({ success: true }),
      PRICE,
    ])
  })

  it('fails with payment_failed when the payer has spent the money meanwhile, and nothing is handed over', async () => {
    const payer = await createPayer(PRICE)
    const payment = await signLong(payer)
    const headers = show(payment)
    const collecting = upstreams.stack.hold('settle')
    const { id } = await jobOf(await generate('a thief', headers))
    await collecting.reached
    const other = await createPayer(0n)
    await frontRun([await sign(payer, { to: other.address, value: PRICE })])
    expect(await balanceOf(payer.address)).toBe(0n)
    collecting.go()
    // Nobody can say that the money never comes before the authorization is over.
    const { job: open } = await waitFor(id, ({ progress }) => progress >= 95)
    expect([open.status, open.output, open.payment]).toEqual(['processing', [], 'authorized'])
    await cancel(payer, payment.authorization.nonce)
    const { job } = await waitFor(id)
    expect(job).toMatchObject({ status: 'failed', error: 'payment_failed', payment: 'not_charged', output: [] })
    expect((await generate('a thief', headers)).status).toBe(402)
  })

  it('is paid for at once by an authorization that would not outlive the work', async () => {
    const headers = show(await sign(await createPayer(PRICE), { value: PRICE, validBefore: 200 }))
    const [income, answer] = await measureIncome(() => generate('a short walk', headers))
    expect([income, answer.status, receiptOf(answer)]).toEqual([PRICE, 202, expect.objectContaining({ success: true })])
    expect((await jobOf(answer)).payment).toBeUndefined()
  })

  it('gives a stranger with the call data and the prompt no id', async () => {
    const payer = await createPayer(PRICE)
    const answer = await createFetch(payer)(url, init('a secret garden', createCaller()))
    const { answer: end } = await waitFor((await jobOf(answer)).id)
    const stolen = await steal((receiptOf(end) as { transaction: Hex }).transaction)
    const refused = await generate('a secret garden', show(stolen))
    expect([refused.status, (await refused.text()).includes('gen_')]).toEqual([409, false])
  })

  it('is paid for at once over MPP', async () => {
    const client = createMppClient(await createTempoPayer())
    const [income, answer] = await measureTempoIncome(() => client.fetch(url, init('a short swim', createCaller())))
    expect([income, answer.status, answer.headers.has('payment-receipt')]).toEqual([PRICE, 202, true])
  })

  it('refuses what the payer needs for work in flight, charging nothing', async () => {
    const payer = await createPayer(PRICE + 10_000n)
    const held = upstreams.stack.hold('stored')
    const { id } = await jobOf(await generate('one', show(await signLong(payer))))
    await held.reached
    const [income, second] = await measureIncome(async () => generate('two', show(await signLong(payer))))
    expect([income, second.status, ((await second.json()) as Job).error]).toEqual([0n, 402, 'funds_in_use'])
    held.go()
    expect((await waitFor(id)).job.status).toBe('completed')
  })
})

describe('a gateway that is killed while a job waits to be paid for', () => {
  it.each([
    ['once its output is stored', 'stored'],
    ['before it collects', 'settle'],
  ] as const)('%s: it is charged once, and handed over', async (_, step) => {
    const headers = show(await signLong(await createPayer(PRICE)))
    const [income, { job }] = await measureIncome(async () => {
      const there = upstreams.stack.hold(step)
      const { id } = await jobOf(await generate(`a lamp that goes out: ${step}`, headers))
      await there.reached
      await upstreams.restart()
      return waitFor(id)
    })
    expect([job.status, job.payment, income]).toEqual(['completed', 'settled', PRICE])
  })

  it.each([
    ['paid for on success', model, 'settled'],
    ['paid for', 'nano-banana-2', undefined],
  ] as const)(
    'before the job begins that is %s: the same payment begins it, charged once',
    async (_, name, payment) => {
      const headers = show(await signLong(await createPayer(PRICE)))
      const ask = () => fetch(url, { ...init('', headers), body: JSON.stringify({ model: name, prompt: 'a bridge' }) })
      const [income, { job }] = await measureIncome(async () => {
        const beginning = upstreams.stack.hold('begin')
        const lost = ask().catch(() => undefined)
        await beginning.reached
        await upstreams.restart()
        await lost
        const again = await ask()
        expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true'])
        return waitFor((await jobOf(again)).id)
      })
      expect([job.status, job.payment, income]).toEqual(['completed', payment, PRICE])
    },
  )
})
