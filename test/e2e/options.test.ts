import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { createCaller, createPayer, measureIncome, photo, post, sign, v2 } from './kit.ts'

let source: Buffer
let alpha: Buffer
let box: number[]
const size = { width: 480, height: 0 }

/** A paid call with these options. */
async function cut(query = '', body = source, type = 'image/png'): Promise<Response> {
  return post(body, { ...v2(await sign(await createPayer())), ...createCaller() }, query, type)
}
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const alphaOf = (bytes: Buffer) => sharp(bytes).ensureAlpha().extractChannel(3).raw().toBuffer()

beforeAll(async () => {
  source = await sharp(photo('lantern.jpg')).resize({ width: size.width }).png().toBuffer()
  size.height = (await sharp(source).metadata()).height
  const whole = await cut()
  box = whole.headers.get('x-foreground-bbox')!.split(',').map(Number)
  alpha = await alphaOf(await bytesOf(whole))
})

describe('POST /v1/remove-background?format=webp', () => {
  it('answers a WebP of the same size with the same alpha to the bit, colours close, no metadata', async () => {
    const answer = await cut('?format=webp')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/webp'])
    const bytes = await bytesOf(answer)
    const { format, width, height, exif, icc } = await sharp(bytes).metadata()
    expect({ format, width, height, exif, icc }).toEqual({ format: 'webp', ...size, exif: undefined, icc: undefined })
    expect((await alphaOf(bytes)).equals(alpha)).toBe(true)
    const [seen, original] = await Promise.all([
      sharp(bytes).raw().toBuffer(),
      sharp(source).removeAlpha().raw().toBuffer(),
    ])
    let [difference, opaque] = [0, 0]
    for (let i = 0; i < alpha.length; i += 1) {
      if (alpha[i]! < 250) continue
      opaque += 3
      for (let c = 0; c < 3; c += 1) difference += Math.abs(seen[i * 4 + c]! - original[i * 3 + c]!)
    }
    expect(difference / opaque).toBeLessThan(5)
  })

  it('answers 400 above one megapixel, naming the limit, before anybody pays', async () => {
    const large = await sharp(source).resize({ width: 1200, height: 900, fit: 'fill' }).png().toBuffer()
    const [income, answer] = await measureIncome(() => cut('?format=webp', large))
    expect([answer.status, income]).toEqual([400, 0n])
    expect(await answer.json()).toMatchObject({ error: 'invalid_image', message: expect.stringContaining('1,000,000') })
  })
})

describe('POST /v1/remove-background with options', () => {
  it('output=mask answers the alpha as a grey PNG', async () => {
    const bytes = await bytesOf(await cut('?output=mask'))
    expect([bytes[24], bytes[25]]).toEqual([8, 0])
    expect((await sharp(bytes).extractChannel(0).raw().toBuffer()).equals(alpha)).toBe(true)
  })

  it.each(['?bg=00ff80', '?bg=%2300FF80', '?bg=00ff80&format=webp'])(
    '%s puts it on that colour, opaque',
    async (query) => {
      const answer = await cut(query)
      const { data, info } = await sharp(await bytesOf(answer))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true })
      expect([info.width, info.height]).toEqual([size.width, size.height])
      const corner = [...data.subarray(0, 3)]
      expect(alpha[0]).toBe(0)
      for (const [c, value] of [0, 255, 128].entries()) expect(Math.abs(corner[c]! - value)).toBeLessThanOrEqual(6)
    },
  )

  it('crop and margin cut to the foreground; the headers speak of the whole picture', async () => {
    const answer = await cut('?crop=true&margin=5%25')
    const { width, height } = await sharp(await bytesOf(answer)).metadata()
    const [left, top, boxWidth, boxHeight] = box as [number, number, number, number]
    const space = Math.round(Math.max(boxWidth, boxHeight) * 0.05)
    expect(width).toBe(Math.min(size.width, left + boxWidth + space) - Math.max(0, left - space))
    expect(height).toBe(Math.min(size.height, top + boxHeight + space) - Math.max(0, top - space))
    expect(answer.headers.get('x-image-width')).toBe(`${size.width}`)
    expect(answer.headers.get('x-foreground-bbox')).toBe(box.join())
  })

  it.each([
    ['?format=bmp', 'format'],
    ['?output=both', 'output'],
    ['?bg=red', 'bg'],
    ['?bg=12345', 'bg'],
    ['?output=mask&bg=ffffff', 'bg'],
    ['?output=mask&format=webp', 'format'],
    ['?crop=maybe', 'crop'],
    ['?margin=5px', 'margin'],
    ['?crop=true&margin=-1px', 'margin'],
    ['?crop=true&margin=5em', 'margin'],
    ['?crop=true&crop=true', 'crop'],
    ['?colour=red', 'colour'],
  ])('%s is 400 invalid_request naming the option, free', async (query, option) => {
    const [income, answer] = await measureIncome(() => cut(query))
    expect([answer.status, income]).toEqual([400, 0n])
    const said = (await answer.json()) as { error: string; message: string }
    expect(said).toMatchObject({ error: 'invalid_request', message: expect.stringContaining(`"${option}"`) })
  })

  it('refine=decontaminate takes the old background out of soft edges, and leaves the rest alone', async () => {
    const [plain, refined] = await Promise.all(
      ['?refine=none', '?refine=decontaminate'].map(async (query) => {
        const answer = await cut(query)
        expect(answer.status).toBe(200)
        return sharp(await bytesOf(answer))
          .raw()
          .toBuffer()
      }),
    )
    let [changed, kept] = [0, 0]
    for (let i = 0; i < plain!.length; i += 4) {
      const isSame = [0, 1, 2].every((c) => plain![i + c] === refined![i + c])
      if (plain![i + 3] === 255 && refined![i + 3] === 255) expect(isSame).toBe(true)
      else if (!isSame) changed += 1
      if (refined![i + 3] === 0) kept += refined![i]! + refined![i + 1]! + refined![i + 2]!
    }
    expect(changed).toBeGreaterThan(100)
    expect(kept).toBe(0)
  })

  it('that mean the same are the same request', async () => {
    const payment = { ...v2(await sign(await createPayer())), ...createCaller() }
    const first = await post(source, payment, '?crop=true&margin=20&bg=FFFFFF', 'image/png')
    const again = await post(source, payment, '?bg=%23ffffff&margin=20px&crop=true', 'image/png')
    expect([first.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 200, 'true'])
  })
})
