import { expect, it } from 'vitest'
import { findPort, isPortFree, serveLocally } from '../../workers/local/loopback.ts'

const answer = () => new Response('here')
const readPort = (url: string) => Number(new URL(url).port)

it('takes the port that is asked for, and gives it back when it stops', async () => {
  const first = await serveLocally(answer, { port: 0 })
  const port = readPort(first.url)
  expect(await isPortFree(port)).toBe(false)
  expect(await (await fetch(first.url)).text()).toBe('here')
  await first.stop()
  expect(await isPortFree(port)).toBe(true)
  const second = await serveLocally(answer, { port, fallback: true })
  expect(readPort(second.url)).toBe(port)
  await second.stop()
})

it('falls back to a free port when it may, and rejects when it may not', async () => {
  const taken = await serveLocally(answer, { port: 0 })
  const port = readPort(taken.url)
  await expect(serveLocally(answer, { port })).rejects.toThrow('EADDRINUSE')
  const other = await serveLocally(answer, { port, fallback: true })
  expect(readPort(other.url)).not.toBe(port)
  expect(await findPort({ port })).toBeUndefined()
  expect([port, 0, undefined]).not.toContain(await findPort({ port, fallback: true }))
  await Promise.all([taken.stop(), other.stop()])
})

it('finds a real port for 0', async () => {
  expect(await findPort({ port: 0 })).toBeGreaterThan(0)
})
