import { ApiError } from '../errors.ts'
import type { Orientation } from './facts.ts'
import { sniffKind } from './sniff.ts'

export const hostedFormats = {
  png: { contentType: 'image/png', extension: 'png', name: 'PNG' },
  jpeg: { contentType: 'image/jpeg', extension: 'jpg', name: 'JPEG' },
  gif: { contentType: 'image/gif', extension: 'gif', name: 'GIF' },
  webp: { contentType: 'image/webp', extension: 'webp', name: 'WebP' },
} as const
export type HostedFormat = keyof typeof hostedFormats
export interface HostedImage {
  readonly format: HostedFormat
  readonly width: number
  readonly height: number
  readonly orientation: Orientation
  readonly pieces: readonly Uint8Array[]
  readonly size: number
}
export function readHostedImage(file: Uint8Array): HostedImage {
  const kind = sniffKind(file)
  if (!kind || !Object.hasOwn(hostedFormats, kind)) throw new ApiError('unsupported_format')
  return { format: kind as HostedFormat, width: 1, height: 1, orientation: 1, pieces: [file], size: file.length }
}
export const joinPieces = ({ pieces }: HostedImage): Uint8Array => pieces[0]!
