import * as ort from 'onnxruntime-node'
import { defaultMatteModel } from '../../models/index.ts'
import { locateModel } from '../../models/verify.ts'
import { bundleWorker } from './bundle.ts'
import { type Bench, median, round } from './table.ts'
import { startWorkerd } from './workerd.ts'

const { size, name } = defaultMatteModel.input
const runs = 20
const rounds = 5

async function createNative(): Promise<() => Promise<number>> {
  const session = await ort.InferenceSession.create(locateModel(defaultMatteModel), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  })
  const data = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i / 1000) * 2)
  const input = new ort.Tensor('float32', data, [1, 3, size, size])
  return async () => {
    const alpha = (await session.run({ [name]: input }))[defaultMatteModel.output.name]?.data as Float32Array
    return Uint8ClampedArray.from(alpha, (value) => value * 255).reduce((total, value) => total + value, 0)
  }
}

export const infer: Bench = {
  name: 'infer',
  about:
    `CPU of one run of ${defaultMatteModel.id} at ${size} px in raw workerd beside onnxruntime-node on one thread, ` +
    `measured in turns on the same machine (median of ${rounds} rounds of ${runs} runs, after warming up).`,
  async run() {
    const workerd = await startWorkerd(bundleWorker('test/bench/workers/infer.toml'))
    try {
      const ask = async (times: number) => {
        const before = workerd.readCpu()
        const started = performance.now()
        const answer = (await (await fetch(`${workerd.url}${times}`)).json()) as { heapBytes: number; sum: number }
        return { ...answer, cpu: (workerd.readCpu() - before) * 1000, wall: performance.now() - started }
      }
      const first = await ask(1)
      await ask(3 * runs)
      const native = await createNative()
      const nativeSum = await native()
      const [edgeTimes, nativeTimes]: [number[], number[]] = [[], []]
      let last = first
      for (let i = 0; i < rounds; i += 1) {
        last = await ask(runs)
        edgeTimes.push(last.cpu / runs)
        const before = process.cpuUsage()
        for (let j = 0; j < runs; j += 1) await native()
        const { user, system } = process.cpuUsage(before)
        nativeTimes.push((user + system) / 1000 / runs)
      }
      const difference = Math.abs(last.sum - nativeSum) / (size * size)
      if (difference > 0.5) throw new Error(`workerd and onnxruntime-node differ by ${difference} of 255 on average`)
      return [
        {
          model: defaultMatteModel.id,
          'workerd, CPU ms': round(median(edgeTimes)),
          'onnxruntime-node, CPU ms': round(median(nativeTimes)),
          ratio: round(median(edgeTimes) / median(nativeTimes), 2),
          'first run with start, CPU ms': round(first.cpu, 0),
          'first run, s': round(first.wall / 1000, 2),
          'wasm heap, MiB': round(last.heapBytes / 2 ** 20),
        },
      ]
    } finally {
      await workerd.stop()
    }
  },
}
