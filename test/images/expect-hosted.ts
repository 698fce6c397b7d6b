import { expect } from 'vitest'
import { joinPieces, readHostedImage } from '../../src/images/hosted-image.ts'

/** A file without its metadata. */
export const strip = (file: Uint8Array): Uint8Array => joinPieces(readHostedImage(file))

/** That a file is refused with a message that fits. */
export function expectRefused(file: Uint8Array, message: RegExp): void {
  const refusal = { code: 'unsupported_format', status: 400, message: expect.stringMatching(message) }
  expect(() => strip(file)).toThrow(expect.objectContaining(refusal))
}

/** That a stripped file, stripped again, is one piece and itself. */
export function expectStable(file: Uint8Array): void {
  const stripped = strip(file)
  const again = readHostedImage(stripped)
  expect(again.pieces).toHaveLength(1)
  expect(again.pieces[0]).toBe(stripped)
  expect(again.size).toBe(stripped.length)
}
