import { now } from '../clock.ts'
import { findHost } from './choose-host.ts'
import { type MatteHosts, within } from './hosts.ts'
import type { WasmMemory } from './matte.ts'
import { defaultMatteOptions } from './options.ts'

/** A JPEG of 48 x 48 px: a dark disc on white. */
const tinyPicture = [
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQ',
  'YEpRUk//wAALCAAwADABAREA/8QAGAABAQEBAQAAAAAAAAAAAAAAAAYHAQL/xAAnEAACAgEDAwQCAwAAAAAAAAABAgADBAUHERIhQRNxgZEUMVFS',
  'of/aAAgBAQAAPwDToiIiJxmCqWYgADkk+JHapuHp2Jc1WDRZmlTwXDBE+D+z9Tzpm4unZNy1Z2NZh9R4FnUHQe57EfUs0ZXQOjBlYcgg8gidiRu5',
  'epW4mj04dLFTmOQ5H9FHcfJImWxNO2y1KzJ03IwLmLfisDXz4Rue3wQfuW0SL3N06zJ0ijNqUt+I56wPCMO5+CBMviaZthp1lGnZOfapUZLBa+fK',
  'rz39uSfqXETjqroUdQysOCCOQRIrVNucLIua3Tsp8Tq7+kV60Ht3BE86Ztxh0XLZqOW+UFPPpKnQp9+5J/yW1daVVrXWqoigBVUcAD+BPURERE//',
  '2Q==',
].join('')

/** How a tiny cut-out went. */
export interface Trial {
  /** `ok`, or the code of the error that a caller would have been told. */
  readonly result: string
  /** Model that answered. */
  readonly model?: string
  readonly milliseconds: number
  /** What the edge's isolates hold afterwards; null where they do not say. */
  readonly wasmMemory: WasmMemory | null
}

/**
 * Cuts out a tiny picture at the edge as a caller would, which loads what may not have been loaded yet. Never rejects.
 * Another isolate than the one that worked may answer for the memory; each grows to the same.
 */
export async function tryMatte(hosts: MatteHosts): Promise<Trial> {
  const file = Uint8Array.from(atob(tinyPicture), (letter) => letter.charCodeAt(0))
  const picture = { format: 'jpeg', size: file.length, open: async () => new Blob([file]).stream() } as const
  const options = { ...defaultMatteOptions, quality: 'fast' } as const
  const edge = findHost('edge')
  const cut = async (): Promise<Pick<Trial, 'result' | 'model'>> => {
    const result = await hosts.cut([edge], picture, options)
    if (!result.ok) return { result: result.code }
    await new Response(result.body).arrayBuffer()
    return { result: 'ok', model: result.facts.model }
  }
  const began = now()
  // What hangs, or breaks off while it is read, is no cut-out either.
  const end = await within(edge.limitSeconds * 1000, cut()).catch((error: unknown) => {
    console.error(JSON.stringify({ level: 'error', event: 'trial_failed', message: String(error) }))
    return { result: 'processor_unavailable' }
  })
  return { ...end, milliseconds: now() - began, wasmMemory: await hosts.readMemory() }
}
