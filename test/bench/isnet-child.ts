/** Loads IS-Net with the session options of the command line, runs it, and prints what that took, as JSON. */
import { readFileSync } from 'node:fs'
import * as ort from 'onnxruntime-node'
import { packagedModels } from '../../models/packaged.ts'
import { locateModel } from '../../models/verify.ts'

const [isnet] = packagedModels
const { name, size } = isnet.input

const readPeak = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024

let last = performance.now()
const lap = (): number => {
  const now = performance.now()
  const seconds = (now - last) / 1000
  last = now
  return seconds
}
const session = await ort.InferenceSession.create(locateModel(isnet), JSON.parse(process.argv[2] ?? '{}'))
const load = lap()
const data = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i / 1000) / 2)
const runs: number[] = []
for (let i = 0; i < 4; i += 1) {
  await session.run({ [name]: new ort.Tensor('float32', data, [1, 3, size, size]) }, [isnet.output.name])
  runs.push(lap())
}
console.log(
  JSON.stringify({ load, first: runs[0], later: runs.slice(-2).reduce((a, b) => a + b) / 2, peak: readPeak() }),
)
