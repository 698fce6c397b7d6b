import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PullError } from './pull-error.ts'

/** What a downloaded file must be. */
export interface Expected {
  readonly url: string
  /** Lower-case hex; null: any. */
  readonly sha256: string | null
  readonly md5: string | null
  /** Null: any number of them, up to `mostBytes`. */
  readonly bytes: number | null
  readonly mostBytes: number
}

/** How far a download is: bytes that are here, and of how many, where the server says so. */
type Progress = (here: number, ofAll: number | null) => void

/** What is written down beside a part, so that another try can go on with it. */
interface Note {
  readonly url: string
  readonly etag: string
}

const hosts = (url: string): string => new URL(url).host

/** What came is sound as far as it goes: another try goes on with it. */
class Unfinished extends PullError {
  constructor(what: string) {
    super(`${what}. Run it again: it goes on there.`)
  }
}

/** The sums of what has come so far. */
class Sums {
  readonly #sha256: Hash = createHash('sha256')
  readonly #md5: Hash = createHash('md5')

  add(chunk: Uint8Array): void {
    this.#sha256.update(chunk)
    this.#md5.update(chunk)
  }

  finish(): { readonly sha256: string; readonly md5: string } {
    return { sha256: this.#sha256.digest('hex'), md5: this.#md5.digest('hex') }
  }
}

/** The file that is on its way, and what is known of it. Another try goes on with it. */
class Part {
  readonly path: string
  readonly #note: string

  constructor(target: string) {
    this.path = `${target}.part`
    this.#note = `${this.path}.json`
  }

  /** What another try left of the same address; null if it is of no use. */
  async find(url: string): Promise<{ readonly bytes: number; readonly etag: string } | null> {
    try {
      const note = JSON.parse(await readFile(this.#note, 'utf8')) as Partial<Note>
      const { size } = await stat(this.path)
      return note.url === url && note.etag && size > 0 ? { bytes: size, etag: note.etag } : null
    } catch {
      return null
    }
  }

  /** A weak tag does not say that bytes are the same (RFC 9110, 8.8.1): nothing goes on with such a part. */
  async describe(url: string, etag: string | null): Promise<void> {
    if (etag && !etag.startsWith('W/')) await writeFile(this.#note, JSON.stringify({ url, etag } satisfies Note))
    else await rm(this.#note, { force: true })
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true })
    await rm(this.#note, { force: true })
  }

  async moveTo(target: string): Promise<void> {
    await rename(this.path, target)
    await rm(this.#note, { force: true })
  }
}

/**
 * Asks for the file, or for what is missing of it. `from` is where the answer's bytes begin: not at the end of the part
 * where the server does not know ranges, or has another file by now.
 */
async function ask(url: string, left: { readonly bytes: number; readonly etag: string } | null) {
  // As it is stored: ranges of something compressed are of no use.
  const headers: Record<string, string> = { 'Accept-Encoding': 'identity' }
  if (left) Object.assign(headers, { Range: `bytes=${left.bytes}-`, 'If-Range': left.etag })
  const response = await fetch(url, { headers }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new PullError(`${hosts(url)} could not be reached: ${cause}. Run it again.`)
  })
  const etag = response.headers.get('ETag')
  const [, start, all] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '') ?? []
  const goesOn = response.status === 206 && left !== null && Number(start) === left.bytes && etag === left.etag
  if (goesOn) return { response, from: left.bytes, all: Number(all), etag }
  const length = response.headers.get('Content-Length')
  return { response, from: 0, all: length ? Number(length) : null, etag }
}

function refuseLarger(expected: Expected): PullError {
  return new PullError(`${expected.url} holds more than the ${expected.mostBytes} bytes that its row says.`)
}

/** What a whole file is other than it must be; null if it is right. */
function findFault(expected: Expected, bytes: number, sums: { sha256: string; md5: string }): string | null {
  const { url, sha256, md5 } = expected
  const wrong = [
    { is: bytes, must: expected.bytes, name: 'bytes' },
    { is: sums.sha256, must: sha256, name: 'sha256' },
    { is: sums.md5, must: md5, name: 'md5' },
  ].find(({ is, must }) => must !== null && is !== must)
  return wrong ? `${url} has ${wrong.name} ${wrong.is}; its row says ${wrong.must}. What came is removed.` : null
}

async function hashPart(path: string, sums: Sums): Promise<void> {
  for await (const chunk of createReadStream(path)) sums.add(chunk as Uint8Array)
}

/** Brings what is missing of the part; answers how many bytes it has then, and its sums. */
async function receive(part: Part, expected: Expected, progress: Progress) {
  const { url, mostBytes } = expected
  let { response, from, all, etag } = await ask(url, await part.find(url))
  // What lies there is as long as the file or longer, or the server has a range of something else.
  if (response.status === 416 || (response.status === 206 && from === 0)) {
    await response.body?.cancel()
    ;({ response, from, all, etag } = await ask(url, null))
  }
  if (!(response.status === 200 || (response.status === 206 && from > 0)) || !response.body) {
    await response.body?.cancel()
    throw new PullError(`${hosts(url)} answered ${response.status} for ${url}.`)
  }
  if ((all ?? 0) > mostBytes) {
    await response.body.cancel()
    await part.remove()
    throw refuseLarger(expected)
  }
  const sums = new Sums()
  if (from > 0) await hashPart(part.path, sums)
  const file = await open(part.path, from > 0 ? 'a' : 'w')
  // Only now: what lay there before is gone, or is of this very file.
  await part.describe(url, etag)
  const explainDisk = (error: Error): never => {
    throw new Unfinished(`${part.path} could not be written: ${error.message}`)
  }
  let here = from
  try {
    for await (const chunk of response.body) {
      here += chunk.length
      if (here > mostBytes) throw refuseLarger(expected)
      await file.writeFile(chunk).catch(explainDisk)
      sums.add(chunk)
      progress(here, all)
    }
    // A server may send less of a range than it was asked for (RFC 9110, 15.3.7).
    if (all !== null && here < all) throw new Unfinished(`${hosts(url)} sent ${here} of ${all} bytes`)
  } catch (error) {
    if (error instanceof Unfinished) throw error
    if (error instanceof PullError) {
      await part.remove()
      throw error
    }
    throw new Unfinished(`The connection to ${hosts(url)} broke after ${here} bytes`)
  } finally {
    await file.close()
  }
  return { bytes: here, sums: sums.finish() }
}

/**
 * Downloads a file to `target`, which is there as a whole and verified or not at all. Until then it is `<target>.part`,
 * with which another call goes on where the server knows ranges and has the same file still (RFC 9110, 13.1.5 and 14).
 * Nothing lies in memory but the piece that just came.
 * @returns the SHA-256 of the file, in lower-case hex
 * @throws PullError if it cannot be had, is larger than expected, or has other sums; what came is then removed, unless
 *   it was the connection that broke, or the disk that is full
 */
export async function download(target: string, expected: Expected, progress: Progress = () => {}): Promise<string> {
  await mkdir(dirname(target), { recursive: true })
  const part = new Part(target)
  const { bytes, sums } = await receive(part, expected, progress)
  const fault = findFault(expected, bytes, sums)
  if (fault) {
    await part.remove()
    throw new PullError(fault)
  }
  await part.moveTo(target)
  return sums.sha256
}
