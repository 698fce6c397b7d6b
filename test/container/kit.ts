import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { MatteModel } from '../../models/index.ts'
import { explainRefusal, findHost } from '../../src/matte/choose-host.ts'
import type { ImageFormat, MatteResult } from '../../src/matte/matte.ts'
import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'
import { Body } from '../../workers/container/body.ts'
import { Budget } from '../../workers/container/budget.ts'
import { type CutTools, cutOut } from '../../workers/container/cut.ts'
import * as edge from '../../workers/matte/cut.ts'

const size = 64

/** A small model that sees a soft disc in everything. */
export const discModel: MatteModel = {
  ...{ id: 'disc-64', file: 'none', sha256: '', bytes: 0, licence: 'none', source: 'drawn' },
  input: { name: 'input', size, mean: [0, 0, 0], std: [1, 1, 1] },
  output: { name: 'alpha', meaning: 'alpha' },
}
export const discAlpha = Uint8Array.from({ length: size * size }, (_, i) => {
  const distance = Math.hypot((i % size) - 30, Math.floor(i / size) - 34)
  return Math.min(255, Math.max(0, (20 - distance) * 40 + 128))
})

/** Tools for the Container's work. `left` names what lies in its scratch folder. */
export function createTools(changes: Partial<CutTools> = {}) {
  const scratch = mkdtempSync(join(tmpdir(), 'pixtoll-scratch-'))
  onTestFinished(() => rmSync(scratch, { recursive: true }))
  const budget = new Budget({ bytes: 1 << 30, maxWaiting: 2, patience: 1000 })
  const findModel = async () => ({ model: discModel, infer: async () => ({ alpha: discAlpha, size }) })
  return { tools: { budget, scratch, findModel, ...changes }, left: () => readdirSync(scratch) }
}

/** A file in the pieces in which a network brings it. */
export function streamOf(file: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < file.length) controller.enqueue(file.slice(at, at + 65_536))
      else controller.close()
      at += 65_536
    },
  })
}

/** The Container's answer. */
export function cutByContainer(
  file: Uint8Array,
  format: ImageFormat,
  options: Partial<MatteOptions> = {},
  { tools } = createTools(),
  signal = new AbortController().signal,
): Promise<MatteResult> {
  const body = new Body(streamOf(file), file.length, signal)
  return cutOut(body, format, { ...defaultMatteOptions, ...options }, tools, signal)
}

/** The edge's answer to a PNG. */
export function cutByEdge(file: Uint8Array, options: Partial<MatteOptions> = {}): Promise<MatteResult> {
  const all = { ...defaultMatteOptions, ...options }
  const none = () => Promise.reject(new Error('a PNG alone'))
  const tools: edge.CutTools = {
    model: discModel,
    infer: { infer: async () => ({ ok: true, alpha: discAlpha }) },
    ...{ decodeJpeg: none, decodeWebp: none, encodeWebp: none, dropFile: () => {} },
    explainRefusal: (header) => explainRefusal(findHost('edge'), header, all),
  }
  const place = { renew: () => true, leave: () => {}, whenLost: () => {} }
  return edge.cutOut(Uint8Array.from(file), 'png', all, tools, place)
}

/** The bytes of a result, which must be one. */
export async function readBytes(result: MatteResult): Promise<Buffer> {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`)
  return Buffer.from(await new Response(result.body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
}
