import { describe, expect, it } from 'vitest'
import { Base64Reader } from '../src/images/base64.ts'
import { parseWithLongStrings, type StringSink } from '../src/json-strings.ts'

/** Cuts text into pieces of the lengths that `next` gives. */
async function* cut(text: string, next: () => number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) {
    const length = Math.max(1, next())
    yield Uint8Array.from(bytes.subarray(at, at + length))
    at += length
  }
}

/** Gives the string back, and remembers the longest piece of it. */
function createSink(seen: { longest: number; count: number }): StringSink {
  let text = ''
  seen.count += 1
  return {
    write(piece) {
      seen.longest = Math.max(seen.longest, piece.length)
      text += piece
    },
    end: () => text,
  }
}

async function parse(text: string, next = () => 1000, most = 1e9) {
  const seen = { longest: 0, count: 0 }
  const value = await parseWithLongStrings(cut(text, next), () => createSink(seen), most)
  return { value, ...seen }
}

/** A generator of numbers below `most` that is the same at every run. */
function createRandom(seed: number) {
  let state = seed
  return (most: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % most
  }
}

describe('JSON with long strings', () => {
  it('hands a long string on in pieces, and holds the short ones', async () => {
    const long = 'ABCD'.repeat(50_000)
    const { value, longest, count } = await parse(
      JSON.stringify({ short: 'x', long, list: [1, null, 'é', 'a "b" \\c'] }),
    )
    expect(value).toEqual({ short: 'x', long, list: [1, null, 'é', 'a "b" \\c'] })
    expect([count, longest < 3000]).toEqual([1, true])
  })

  it('unescapes it, wherever its pieces are cut', async () => {
    const long = `${'a\\"\\/\n\t\\\\'.repeat(300)}\\`
    for (const length of [1, 2, 3, 5, 7, 1000]) {
      const { value } = await parse(JSON.stringify([long]).replaceAll('/', '\\/'), () => length)
      expect([length, value]).toEqual([length, [long]])
    }
  })

  it('reads \\u escapes of long strings', async () => {
    const text = `["${'\\u0041\\u004a'.repeat(400)}"]`
    for (const length of [1, 4, 999]) expect((await parse(text, () => length)).value).toEqual(['AJ'.repeat(400)])
  })

  it('says of which member a long string is the value, and of none in a list', async () => {
    const long = 'ABCD'.repeat(400)
    const names: (string | null)[] = []
    const text = JSON.stringify({ a: { data: long, b: 'data' }, c: [long], [long]: 1, 'd"e': long }, null, 1)
    const openSink = (name: string | null) => {
      names.push(name)
      return createSink({ longest: 0, count: 0 })
    }
    for (const length of [1, 7, 5000])
      await parseWithLongStrings(
        cut(text, () => length),
        openSink,
        1e6,
      )
    expect(names).toEqual(Array(3).fill(['data', null, null, 'd\\"e']).flat())
  })

  it('reads on only once a sink has taken what it was given', async () => {
    const events: string[] = []
    async function* pieces() {
      for (const text of [`["${'A'.repeat(1500)}`, 'B'.repeat(10), '"]']) {
        events.push('read')
        yield Buffer.from(text)
      }
    }
    const sink = {
      async write(text: string) {
        await Promise.resolve()
        await Promise.resolve()
        events.push(`took ${text.length} ${text[0]}`)
      },
      end: async () => 'made',
    }
    expect(await parseWithLongStrings(pieces(), () => sink, 1000)).toEqual(['made'])
    expect(events).toEqual(['read', 'took 1024 A', 'took 476 A', 'read', 'took 10 B', 'read'])
  })

  it('agrees with JSON.parse about every value and every cut', async () => {
    const random = createRandom(7)
    const letters = ['a', '"', '\\', '/', '\n', ' ', '=', '{', '}', ':', ',', 'é', '日', '\u{1f600}']
    const createText = (length: number, ascii: boolean) =>
      Array.from({ length }, () => letters[random(ascii ? 11 : letters.length)]!).join('')
    const createValue = (depth: number): unknown => {
      const kind = random(depth > 3 ? 5 : 8)
      if (kind === 0) return random(1000) - 500
      if (kind === 1) return null
      if (kind === 2) return random(2) === 1
      if (kind === 3) return createText(random(30), false)
      if (kind === 4) return createText(1100 + random(2000), true)
      if (kind === 5) return Array.from({ length: random(5) }, () => createValue(depth + 1))
      return Object.fromEntries(
        Array.from({ length: random(5) }, () => [createText(random(9), false), createValue(depth + 1)]),
      )
    }
    for (let i = 0; i < 400; i += 1) {
      const text = JSON.stringify(createValue(0), null, random(2) * 2)
      const most = [1, 3, 50, 5000][random(4)]!
      expect((await parse(text, () => random(most) + 1)).value).toEqual(JSON.parse(text))
    }
  })

  it('refuses what JSON.parse refuses, and never anything else', async () => {
    const random = createRandom(11)
    const base = JSON.stringify({ file: 'ABCD'.repeat(400), list: [1, { a: 'b\\' }], t: true })
    let refused = 0
    for (let i = 0; i < 1500; i += 1) {
      const at = random(base.length)
      const change = [
        base.slice(0, at),
        base.slice(0, at) + base.slice(at + 1),
        `${base.slice(0, at)}"${base.slice(at)}`,
      ][random(3)]!
      const isJson = (() => {
        try {
          return { value: JSON.parse(change) as unknown }
        } catch {
          return null
        }
      })()
      const parsed = await parse(change, () => random(600) + 1).catch((error: unknown) => {
        expect(error).toBeInstanceOf(SyntaxError)
        refused += 1
        return null
      })
      expect(parsed && { value: parsed.value }).toEqual(isJson)
    }
    expect(refused).toBeGreaterThan(500)
  })

  it('refuses more than it may hold besides long strings, and counts those not', async () => {
    const long = 'ABCD'.repeat(1000)
    expect((await parse(JSON.stringify({ long }), () => 100, 100)).value).toEqual({ long })
    for (const bomb of ['['.repeat(2000), '[{},'.repeat(500), `["${'x","'.repeat(500)}"]`, ' '.repeat(2000)]) {
      await expect(parse(bomb, () => 100, 1000)).rejects.toThrow('more than 1000 bytes')
    }
  })

  it('refuses bytes that are no UTF-8', async () => {
    async function* pieces() {
      yield Uint8Array.from(Buffer.from('["\xff"]', 'latin1'))
    }
    await expect(parseWithLongStrings(pieces(), () => createSink({ longest: 0, count: 0 }), 1000)).rejects.toThrow(
      TypeError,
    )
  })
})

describe('base64 that comes in pieces', () => {
  const read = (text: string, length: number) => {
    const reader = new Base64Reader(0)
    for (let at = 0; at < text.length; at += length) reader.write(text.slice(at, at + length))
    const bytes = reader.end()
    return bytes && Buffer.from(bytes)
  }

  it('gives the same bytes wherever it is cut', () => {
    const random = createRandom(3)
    for (let i = 0; i < 300; i += 1) {
      const bytes = Buffer.from(Array.from({ length: random(90) }, () => random(256)))
      for (const text of [
        bytes.toString('base64'),
        bytes.toString('base64url'),
        bytes.toString('base64').replace(/(.{7})/g, '$1\r\n '),
      ]) {
        expect(read(text, random(20) + 1)?.equals(bytes)).toBe(true)
      }
    }
  })

  it.each(['%', 'A', 'AAAAA', 'AA=A', 'AA===', '=', 'AAAA=AAA', 'ab+_', 'A=B='])('is null for %s', (text) => {
    for (const length of [1, 2, 3, 10])
      expect([length, text === '=' ? null : read(text, length)]).toEqual([length, null])
  })
})
