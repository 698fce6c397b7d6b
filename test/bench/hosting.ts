import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { bundleWorker } from './bundle.ts'
import { type Bench, type Row, round } from './table.ts'
import { startWorkerd, type Workerd } from './workerd.ts'

const objects = {
  LEDGER: 'PaymentLedger',
  IDEMPOTENCY_KEY: 'IdempotencyKey',
  STANDING: 'Standing',
  UPLOAD_TOKEN: 'UploadToken',
  DAILY_CAP: 'DailyCap',
}

const served = 1500
const atOnce = 8
const rounds = 9
const slots = 5000

interface Pace {
  /** Requests in a second. */
  readonly rate: number
  /** Milliseconds of CPU for each. */
  readonly cpu: number
}

/** Asks for one URL again and again, so many at once. */
async function measurePace(workerd: Workerd, path: string): Promise<Pace> {
  const [cpu, started] = [workerd.readCpu(), performance.now()]
  let left = served
  const askOn = async () => {
    for (; left > 0; ) {
      left -= 1
      const answer = await fetch(workerd.url + path)
      if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
      await answer.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, askOn))
  const seconds = (performance.now() - started) / 1000
  return { rate: served / seconds, cpu: ((workerd.readCpu() - cpu) * 1000) / served }
}

/** In turn, so that whatever else the machine does meets both alike; the best of each. */
async function compareServing(workerd: Workerd): Promise<Row[]> {
  const paths = { 'a bare Worker': 'bare', 'the gateway': `i/${'A'.repeat(22)}.png` }
  const best = new Map<string, Pace>()
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const [name, path] of Object.entries(paths)) {
      const pace = await measurePace(workerd, path)
      const known = best.get(name)
      // The first turn warms up.
      if (turn > 0)
        best.set(name, { rate: Math.max(pace.rate, known?.rate ?? 0), cpu: Math.min(pace.cpu, known?.cpu ?? 1e9) })
    }
  }
  const bare = best.get('a bare Worker')!
  return [...best].map(([what, { rate, cpu }]) => ({
    what: `serving 100 KB, ${what}`,
    'per second': round(rate, 0),
    'of bare': round(rate / bare.rate, 2),
    'CPU, ms': round(cpu, 2),
    'MiB above a small one': '',
  }))
}

async function countSlots(workerd: Workerd): Promise<Row> {
  let best = 0
  for (let turn = 0; turn < 3; turn += 1) {
    const started = performance.now()
    const given = (await (await fetch(`${workerd.url}slots?count=${slots}`)).json()) as number
    if (given !== slots / 2) throw new Error(`${given} slots were given instead of ${slots / 2}`)
    best = Math.max(best, (slots * 1000) / (performance.now() - started))
  }
  return {
    what: `slots of the daily cap, ${slots} asked for, half given`,
    'per second': round(best, 0),
    'of bare': '',
    'CPU, ms': '',
    'MiB above a small one': '',
  }
}

const forms: Readonly<Record<string, (image: Buffer) => BodyInit>> = {
  'as raw bytes': (image) => image as Buffer<ArrayBuffer>,
  'in a form': (image) => {
    const form = new FormData()
    form.append('image', new Blob([image as Buffer<ArrayBuffer>], { type: 'image/png' }), 'a.png')
    return form
  },
  'as base64 in JSON': (image) => JSON.stringify({ file: image.toString('base64') }),
}
const types: Readonly<Record<string, string>> = { 'as raw bytes': 'image/png', 'as base64 in JSON': 'application/json' }

/** What an upload takes at its peak above one of 10 KB, in a process of its own. */
async function measureUpload(start: () => Promise<Workerd>, form: string, large: Buffer, small: Buffer): Promise<Row> {
  const peaks = { large: Number.POSITIVE_INFINITY, small: Number.POSITIVE_INFINITY }
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const [size, image] of Object.entries({ large, small }) as ['large' | 'small', Buffer][]) {
      const workerd = await start()
      const send = async (body: Buffer) => {
        const type = types[form]
        const token = await (await fetch(`${workerd.url}token`)).text()
        const answer = await fetch(`${workerd.url}api/upload`, {
          method: 'POST',
          body: forms[form]!(body),
          headers: { 'X-Upload-Token': token, ...(type && { 'Content-Type': type }) },
        })
        if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`)
      }
      for (let i = 0; i < 3; i += 1) await send(small)
      workerd.forgetPeak()
      const before = workerd.readMemory().now
      await send(image)
      peaks[size] = Math.min(peaks[size], workerd.readMemory().peak - before)
      await workerd.stop()
    }
  }
  const name = `an upload of ${round(large.length / 1024 / 1024)} MB, ${form}`
  return {
    what: name,
    'per second': '',
    'of bare': '',
    'CPU, ms': '',
    'MiB above a small one': round(peaks.large - peaks.small),
  }
}

const createPng = (side: number) =>
  sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer()

export const hosting: Bench = {
  name: 'hosting',
  about:
    `Hosting in raw workerd. Serving: ${served} requests, ${atOnce} at a time, in turn with a bare Worker that streams the same ` +
    `object from the same store (a folder that the runtime serves), best of ${rounds}. Slots: the daily cap's object alone, 50 ` +
    'asked for at a time. Uploads: resident memory at the peak of the first large upload of a process, less that of a small ' +
    `one; best of ${rounds}.`,
  async run() {
    const bundle = bundleWorker('test/bench/workers/hosting.toml')
    const files = join(bundle.folder, 'files')
    mkdirSync(files)
    writeFileSync(join(files, 'object'), randomBytes(100 * 1024))
    const vars = {
      PUBLIC_URL: 'http://localhost',
      FREE_UPLOADS_PER_ADDRESS: '1000000',
      FREE_UPLOADS_PER_DAY: '1000000',
    }
    const start = () => startWorkerd(bundle, { vars, objects, folders: { FILES: files } })
    const workerd = await start()
    const rows = [...(await compareServing(workerd)), await countSlots(workerd)]
    await workerd.stop()
    const [large, small] = [await createPng(1300), await createPng(50)]
    for (const form of Object.keys(forms)) rows.push(await measureUpload(start, form, large, small))
    return rows
  },
}
