import { describe, expect, it } from 'vitest'
import { stack as shared } from '../e2e/kit.ts'
import { useUpstreams } from './kit-upstreams.ts'
import { waitUntil } from './own-stack.ts'

const JOBS = 1_000

const upstreams = useUpstreams()

const post = (url: string, body: unknown) =>
  fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })

/** Does something for each of them, so many at a time. */
async function mapFew<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += 50) {
    results.push(...(await Promise.all(items.slice(at, at + 50).map(work))))
  }
  return results
}

describe('1,000 open jobs', () => {
  it('that are polled cost their upstream no call', async () => {
    await upstreams.setFaults([{ op: 'gemini', mode: 'hang' }])
    const parts = await mapFew(Array(JOBS / 50).fill(50), async (count: number) => {
      const answer = await post(`${shared.gateway}/_jobs`, { count })
      return (await answer.json()) as string[]
    })
    const ids = parts.flat()
    await waitUntil('a call for each', async () => (await upstreams.countCalls()) >= JOBS)
    for (let round = 0; round < 2; round += 1) {
      const answers = await mapFew(ids, async (id) => {
        const answer = await fetch(`${shared.gateway}/v1/generations/${id}`)
        return [answer.status, ((await answer.json()) as { status: string }).status]
      })
      expect(new Set(answers.map(String))).toEqual(new Set(['200,processing']))
    }
    expect(await upstreams.countCalls()).toBe(JOBS)
  })
})
