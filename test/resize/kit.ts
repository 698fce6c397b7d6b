import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import type { VariantOptions, VariantResult, VariantSource } from '../../src/hosting/resize.ts'
import type { Orientation } from '../../src/images/facts.ts'
import { Photon } from '../../workers/resize/photon.ts'
import { createVariant } from '../../workers/resize/variant.ts'

const wasm = readFileSync(createRequire(import.meta.url).resolve('@cf-wasm/photon/photon.wasm'))

/** Photon as the Worker has it, on the same wasm. Workers' types know no constructor of modules. */
export const createPhoton = (): Photon =>
  new Photon(Reflect.construct(WebAssembly.Module, [wasm]) as WebAssembly.Module)

const shared = createPhoton()

const formats = { jpg: 'jpeg', png: 'png', gif: 'gif', webp: 'webp' } as const

/** The format that a fixture's name tells. */
export const formatOf = (name: string): VariantSource['format'] =>
  formats[name.split('.').pop() as keyof typeof formats] ?? 'png'

/** What the gateway would know of a file: its own size, and no orientation unless it is told. */
export async function describeSource(
  file: Uint8Array,
  format: VariantSource['format'],
  orientation: Orientation = 1,
): Promise<VariantSource> {
  const { width, height } = await sharp(file).metadata()
  return { format, width, height, orientation }
}

export const plain: VariantOptions = { width: null, height: null, fit: 'contain', format: 'png' }

/** Makes a variant of a copy of the file. */
export const make = (
  file: Uint8Array,
  source: VariantSource,
  options: Partial<VariantOptions> = {},
  photon: Photon = shared,
): VariantResult => createVariant(new Uint8Array(file), source, { ...plain, ...options }, photon)

/** The bytes of a variant that must be there. */
export function expectBytes(result: VariantResult): Uint8Array<ArrayBuffer> {
  if (!result.ok) throw new Error(`no variant: ${result.code}`)
  return result.bytes
}

/** RGBA as sharp decodes it. */
export const readPixels = (file: Uint8Array): Promise<Buffer> => sharp(file).ensureAlpha().raw().toBuffer()

/** Mean difference of two pictures' bytes, 0 to 255. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} bytes and ${b.length} bytes are two sizes`)
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length
}
