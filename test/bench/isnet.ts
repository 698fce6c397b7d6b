import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { sessionOptions } from '../../workers/container/inference.ts'
import { type Bench, round } from './table.ts'

/** What differs from the settings that the Container has. */
const settings = {
  'as in the Container': {},
  'memory pattern, too (the default)': { enableMemPattern: true },
  'no arena': { enableCpuMemArena: false, enableMemPattern: true },
  'no arena, no pattern': { enableCpuMemArena: false },
  'one thread': { intraOpNumThreads: 1 },
  'fewer optimisations of the graph': { graphOptimizationLevel: 'extended' },
} as const

/** The session options of ONNX Runtime for IS-Net, each in a process of its own. */
export const isnet: Bench = {
  name: 'isnet',
  about: 'IS-Net in onnxruntime-node: session options, each in a process of its own; a later run is the mean of two.',
  async run() {
    return Object.entries(settings).map(([name, change]) => {
      const options = JSON.stringify({ ...sessionOptions, ...change })
      const output = execFileSync(process.execPath, [join(import.meta.dirname, 'isnet-child.ts'), options])
      const { load, first, later, peak } = JSON.parse(String(output)) as Record<
        'load' | 'first' | 'later' | 'peak',
        number
      >
      return {
        settings: name,
        'load, s': round(load),
        'first run, s': round(first, 2),
        'later run, s': round(later, 2),
        'peak memory, MiB': round(peak, 0),
      }
    })
  },
}
