import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { average, compare, encodeVideo, paint } from '../preview/kit.ts'

const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const size = { width: 320, height: 180 }
const [seconds, frameRate] = [2, 10]
const prompt = 'a red boat on the sea'

/** As much of an HTMLVideoElement as is looked at. */
interface Video {
  readonly videoWidth: number
  readonly videoHeight: number
  readonly duration: number
  readonly ended: boolean
  readonly error: { readonly message: string } | null
  currentTime: number
  play(): Promise<void>
  addEventListener(type: string, listener: () => void, options: { once: true }): void
}

interface Canvas {
  getContext(kind: '2d'): {
    drawImage(video: Video, x: number, y: number): void
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray }
  }
}

let browser: Browser
let page: Page
let server: Server
beforeAll(async () => {
  const file = await encodeVideo(prompt, size, seconds, frameRate)
  server = createServer((request, answer) => {
    if (request.url !== '/video.webm') {
      answer.setHeader('Content-Type', 'text/html')
      answer.end('<!doctype html><body style="margin:0"><video muted src="/video.webm"></video>')
      return
    }
    // Without ranges, as storage serves them, players go nowhere but on.
    const start = Number(request.headers.range?.match(/^bytes=(\d+)-/)?.[1] ?? 0)
    answer.writeHead(206, {
      'Content-Type': 'video/webm',
      'Content-Length': file.length - start,
      'Content-Range': `bytes ${start}-${file.length - 1}/${file.length}`,
    })
    answer.end(file.subarray(start))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args })
  page = await browser.newPage({ viewport: size })
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  await page.waitForFunction('document.querySelector("video").readyState >= 2 || document.querySelector("video").error')
})
afterAll(async () => {
  await browser?.close()
  server?.closeAllConnections()
  server?.close()
})

/** What the player shows at a moment: red, green and blue of every pixel. */
async function showMoment(time: number): Promise<Uint8Array> {
  const rgba = await page.locator('video').evaluate(async (video: Video, at) => {
    await new Promise<void>((resolve) => {
      video.addEventListener('seeked', resolve, { once: true })
      video.currentTime = at
    })
    const { document } = globalThis as unknown as { document: { createElement(name: 'canvas'): Canvas } }
    const canvas = Object.assign(document.createElement('canvas'), {
      width: video.videoWidth,
      height: video.videoHeight,
    })
    const context = canvas.getContext('2d')
    context.drawImage(video, 0, 0)
    return [...context.getImageData(0, 0, video.videoWidth, video.videoHeight).data]
  }, time)
  return Uint8Array.from(rgba.filter((_, i) => i % 4 !== 3))
}

describe('a page with a preview video', () => {
  it('knows its size and its length', async () => {
    const known = await page
      .locator('video')
      .evaluate(({ videoWidth, videoHeight, duration, error }: Video) => [
        ...[videoWidth, videoHeight, duration],
        error?.message ?? null,
      ])
    expect(known).toEqual([320, 180, 2, null])
  })

  it('goes to any moment of it, and shows what was painted for it, in its colours', async () => {
    const moments = [1.55, 0.05] as const
    const painted = await Promise.all(
      moments.map((time) => paint(prompt, size, Math.floor(time * frameRate) / frameRate)),
    )
    for (const [i, time] of moments.entries()) {
      const shown = await showMoment(time)
      const error = compare(shown, painted[i]!)
      expect(error).toBeLessThan(5)
      expect(error).toBeLessThan(compare(shown, painted[1 - i]!) / 2)
      // A wrong matrix or range would move all of it the same way.
      const [one, other] = [shown, painted[i]!].map((pixels) => average(pixels, size, [0, 0, 1, 1]))
      for (const c of [0, 1, 2] as const) expect(Math.abs(one![c] - other![c])).toBeLessThan(3)
    }
  })

  it('shows something that moves', async () => {
    expect(compare(await showMoment(0.05), await showMoment(1.85))).toBeGreaterThan(1)
  })

  it('plays it to its end', async () => {
    await page.locator('video').evaluate(async (video: Video) => {
      video.currentTime = 0
      await video.play()
    })
    await page.waitForFunction('document.querySelector("video").ended')
    expect(await page.locator('video').evaluate((video: Video) => video.currentTime)).toBeCloseTo(2, 1)
  })
})
