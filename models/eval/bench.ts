import { availableParallelism } from 'node:os'
import { resourceUsage } from 'node:process'
import { loadModel } from '../../workers/container/inference.ts'
import type { MatteModel } from '../index.ts'
import { modelsFolder } from '../verify.ts'

/** Runs are made until there are so many, or so many milliseconds have passed, but three at least. */
const enough = { runs: 25, milliseconds: 20_000, least: 3 }

const showTime = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(1)} s`

/**
 * Loads a model as the Container does and runs it on noise: one line with the time that loading took (its first run is
 * part of it), the median of later runs, and the most memory that this process has had. Ask in a process of its own.
 */
export async function describeRun(model: MatteModel): Promise<string> {
  const began = performance.now()
  const { infer } = await loadModel(model, modelsFolder)
  const load = performance.now() - began
  const tensor = Float32Array.from({ length: 3 * model.input.size ** 2 }, (_, i) => Math.sin(i * i))
  const times: number[] = []
  const until = performance.now() + enough.milliseconds
  while (times.length < enough.least || (times.length < enough.runs && performance.now() < until)) {
    const start = performance.now()
    await infer(tensor)
    times.push(performance.now() - start)
  }
  const median = times.sort((a, b) => a - b)[times.length >> 1]!
  // In kilobytes, whatever the system counts in.
  const peak = resourceUsage().maxRSS / 1024
  return (
    `${model.id}: loaded in ${showTime(load)}; ${showTime(median)} a picture (median of ` +
    `${times.length}, ${availableParallelism()} threads); ${peak.toFixed(0)} MiB at its peak`
  )
}
