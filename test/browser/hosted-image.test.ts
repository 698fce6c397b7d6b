import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { photo } from '../e2e/kit.ts'
import { FREE, type Hosted, locate, readHosted, upload } from '../e2e/kit-hosting.ts'

const args = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
]

/** As much of an HTMLImageElement as is looked at. */
interface Shown {
  readonly naturalWidth: number
  readonly complete: boolean
}

interface Canvas {
  getContext(kind: '2d'): {
    drawImage(image: Shown, x: number, y: number, width: number, height: number): void
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray }
  }
}

let browser: Browser
let page: Page
let file: Hosted
beforeAll(async () => {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  browser = await chromium.launch({ executablePath, args })
  page = await browser.newPage({ viewport: { width: 500, height: 400 } })
  file = await readHosted(await upload(FREE, photo('flower.jpg')))
})
afterAll(async () => void (await browser?.close()))

/** Runs `act` while a page with this body stands at an origin of its own. */
async function withPage<Result>(body: string, act: (url: string) => Promise<Result>): Promise<Result> {
  const server = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html')
    answer.end(`<!doctype html><meta charset="utf-8"><body style="margin:0;background:#0f0">${body}</body>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Mean difference of two pictures' values, 0 to 255. */
async function compare(one: Buffer, other: Buffer): Promise<number> {
  const [a, b] = await Promise.all([one, other].map((image) => sharp(image).removeAlpha().raw().toBuffer()))
  expect(a!.length).toBe(b!.length)
  return a!.reduce((sum, value, at) => sum + Math.abs(value - b![at]!), 0) / a!.length
}

describe('a page with the URL of a hosted image', () => {
  it('shows the picture', async () => {
    const shown = await withPage(
      `<img src="${locate(file)}" style="display:block;width:500px;height:400px">`,
      async (url) => {
        await page.goto(url, { waitUntil: 'load' })
        return page.screenshot()
      },
    )
    const expected = await sharp(photo('flower.jpg')).resize(500, 400, { fit: 'fill' }).png().toBuffer()
    expect(await compare(shown, expected)).toBeLessThan(4)
  })

  it('shows its variants', async () => {
    const size = await withPage(`<img src="${locate(file)}?w=120&format=webp">`, async (url) => {
      await page.goto(url, { waitUntil: 'load' })
      return page.locator('img').evaluate((image: Shown) => [image.naturalWidth, image.complete])
    })
    expect(size).toEqual([120, true])
  })

  it('may read its pixels: CORS lets every origin', async () => {
    const sum = await withPage(`<img crossorigin src="${locate(file)}">`, async (url) => {
      await page.goto(url, { waitUntil: 'load' })
      return page.locator('img').evaluate((image: Shown) => {
        const { document } = globalThis as unknown as { document: { createElement(name: 'canvas'): Canvas } }
        const context = document.createElement('canvas').getContext('2d')
        context.drawImage(image, 0, 0, 10, 10)
        return context.getImageData(0, 0, 10, 10).data.reduce((total, value) => total + value, 0)
      })
    })
    expect(sum).toBeGreaterThan(25_500)
  })
})

describe('the URL of a hosted image itself', () => {
  it('opens as a picture, in which no script could run', async () => {
    const answer = await page.goto(locate(file))
    expect(answer?.headers()['content-security-policy']).toContain('sandbox')
    expect(await page.locator('img').evaluate((image: Shown) => image.naturalWidth)).toBeGreaterThan(100)
  })
})
