import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = resolve(fileURLToPath(import.meta.url), '../../fixtures/odd-images')

/** Bytes of a file in `test/fixtures/odd-images`. */
export const readOdd = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(join(folder, name)))

/** Every image there. */
export const oddNames = readdirSync(folder).filter((name) => !name.endsWith('.md'))
