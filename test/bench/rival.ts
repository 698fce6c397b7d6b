import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import sharp from 'sharp'
import { packagedModels } from '../../models/packaged.ts'
import { defaultMatteOptions } from '../../src/matte/options.ts'
import { writeOptions } from '../../src/matte/wire.ts'
import { startOwnContainer } from '../large/own-container.ts'
import { type Bench, median, type Row, round } from './table.ts'

const folder = '.build/rival'
const photographs = 'test/fixtures/eval'

/** A program of its own, since the package's licence is not ours: it reads paths and writes cut-outs beside itself. */
const program = `
import { removeBackground } from '@imgly/background-removal-node'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
for await (const path of createInterface({ input: process.stdin })) {
  const photo = new Blob([readFileSync(path)], { type: 'image/jpeg' })
  const started = performance.now()
  const cutOut = Buffer.from(await (await removeBackground(photo, { model: 'medium' })).arrayBuffer())
  const seconds = (performance.now() - started) / 1000
  writeFileSync('out.png', cutOut)
  const peak = Number(/VmHWM:\\\\s+(\\\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
  console.log('done ' + JSON.stringify({ seconds, peak }))
}
`.replaceAll('\\\\', '\\')

interface Cut {
  readonly file: Buffer
  readonly seconds: number
  /** Of the process so far, MiB. */
  readonly peak: number
}

/** Fetches the package through npm, whatever else it needs with it, and starts it. */
function startRival(): { cut(path: string): Promise<Cut>; stop(): void } {
  mkdirSync(folder, { recursive: true })
  // Its own sharp has no binary inside and would fetch one from elsewhere.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', overrides: { sharp: '0.35.5' } }))
  writeFileSync(join(folder, 'run.js'), program)
  const npm = [
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    packagedModels[0].origin.spec,
  ]
  execFileSync('npm', npm, { stdio: 'ignore' })
  const child = spawn(process.execPath, ['run.js'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  return {
    cut: (path) =>
      new Promise((resolve) => {
        const hear = (line: string) => {
          if (!line.startsWith('done ')) return
          lines.off('line', hear)
          resolve({ file: readFileSync(join(folder, 'out.png')), ...JSON.parse(line.slice(5)) })
        }
        lines.on('line', hear)
        child.stdin.write(`${path}\n`)
      }),
    stop: () => child.kill(),
  }
}

async function startOurs(): Promise<{ cut(path: string): Promise<Cut>; stop(): void }> {
  const running = await startOwnContainer()
  return {
    async cut(path) {
      const init = { method: 'POST', headers: { 'Content-Type': 'image/jpeg' }, body: readFileSync(path) }
      const started = performance.now()
      const answer = await fetch(`${running.url}/cut?${writeOptions(defaultMatteOptions)}`, init)
      const file = Buffer.from(await answer.arrayBuffer())
      return { file, seconds: (performance.now() - started) / 1000, peak: running.readMemory().peak }
    },
    stop: () => void running.kill(),
  }
}

/** Intersection over union at one half, and mean error of alpha, 0 to 1. */
async function judge(cutOut: Buffer, truth: string): Promise<{ iou: number; error: number }> {
  const alpha = await sharp(cutOut).extractChannel(3).raw().toBuffer()
  const mask = await sharp(truth).extractChannel(0).raw().toBuffer()
  let [both, either, error] = [0, 0, 0]
  for (let i = 0; i < mask.length; i += 1) {
    const [seen, right] = [alpha[i]! > 127, mask[i]! > 127]
    both += Number(seen && right)
    either += Number(seen || right)
    error += Math.abs(alpha[i]! - mask[i]!)
  }
  return { iou: both / either, error: error / mask.length / 255 }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

export const rival: Bench = {
  name: 'rival',
  about:
    `The Container beside ${packagedModels[0].origin.spec} ("medium"), the npm package that holds the same weights: the ` +
    `photographs of ${photographs} (true masks) and one of 10 megapixels, in turns on one machine, each after one to warm up.`,
  async run() {
    const contestants = { 'the Container': await startOurs(), 'the package': startRival() }
    const names = readdirSync(photographs).filter((name) => name.endsWith('.jpg'))
    const large = join(process.cwd(), 'test/fixtures/photos/flower-10mp.jpg')
    const rows: Row[] = []
    try {
      const seen = Object.keys(contestants).map(() => ({
        iou: [] as number[],
        error: [] as number[],
        seconds: [] as number[],
      }))
      for (const [i, name] of [names[0]!, ...names].entries()) {
        for (const [who, { cut }] of Object.values(contestants).entries()) {
          const path = join(process.cwd(), photographs, name)
          const { file, seconds } = await cut(path)
          if (i === 0) continue
          const { iou, error } = await judge(file, path.replace('.jpg', '.png'))
          seen[who]!.iou.push(iou)
          seen[who]!.error.push(error)
          seen[who]!.seconds.push(seconds)
        }
      }
      for (const [who, [name, { cut }]] of Object.entries(contestants).entries()) {
        const { iou, error, seconds } = seen[who]!
        const { seconds: largeSeconds, peak } = await cut(large)
        rows.push({
          who: name,
          'IoU, mean': round(mean(iou), 3),
          'worst IoU': round(Math.min(...iou), 3),
          'error of alpha': round(mean(error), 4),
          '0.4 megapixels, s (median)': round(median(seconds), 2),
          '10 megapixels, s': round(largeSeconds, 1),
          'peak memory, MiB': round(peak, 0),
        })
      }
      return rows
    } finally {
      for (const { stop } of Object.values(contestants)) stop()
    }
  },
}
