import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { MatteModel } from '../index.ts'
import { packagedModels } from '../packaged.ts'
import { locateModel, modelsFolder } from '../verify.ts'

/** What sees a square of a photograph. */
export interface Teacher {
  readonly input: MatteModel['input']
  /** The matte of an input tensor, a byte for each pixel of the square. One after the other. */
  infer(tensor: Float32Array): Promise<Uint8Array>
}

/** The teacher's process has ended: nothing that is labelled now is the photograph's fault. */
export class TeacherError extends Error {}

/**
 * Side of the square in which the teacher sees. It was taught at 1024, but most photographs here are 300 px wide: blown
 * up so far they are blurred, and its mattes are worse (README.md).
 */
const taughtSide = 512

/**
 * Starts IS-Net, which must have been pulled, in a process of its own.
 * @param python a Python that has torch and onnx
 */
export function startTeacher(python: string): Teacher & { stop(): void } {
  const [isnet] = packagedModels
  const input = { ...isnet.input, size: taughtSide }
  const script = join(modelsFolder, 'train/teach.py')
  const child = spawn(python, [script, locateModel(isnet), String(taughtSide)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  child.stdin.on('error', () => {})

  async function infer(tensor: Float32Array): Promise<Uint8Array> {
    child.stdin.write(new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength))
    const alpha = new Uint8Array(taughtSide ** 2)
    for (let filled = 0; filled < alpha.length; ) {
      const { value, done } = await answers.next()
      if (done) throw new TeacherError('the teacher has ended')
      alpha.set(value, filled)
      filled += value.length
    }
    return alpha
  }
  return { input, infer, stop: () => child.stdin.end() }
}
