import type { Orientation } from '../images/facts.ts'
import type { Tier } from './tiers.ts'

/** Types of images that are hosted, and the extensions of their URLs. */
export const imageExtensions = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
} as const

/** Types of files that are hosted; videos come from generations alone. */
export const extensions = { ...imageExtensions, 'video/mp4': 'mp4', 'video/webm': 'webm' } as const

export type HostedType = keyof typeof extensions

/** One hosted file, as plain data: all that its uploader is told, and what takes it down. */
export interface HostedFile {
  /** 22 base62 characters: 131 random bits, the only secret of a link. */
  readonly id: string
  readonly contentType: HostedType
  /** As stored. */
  readonly sizeBytes: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** Lets its bearer look after the file. Only its hash is stored with the file. */
  readonly deleteToken: string
  /** SHA-256, in hex: of the stored bytes, of the bytes as they were sent, and of those without metadata. */
  readonly hashes: readonly string[]
}

/** What variants are planned by. */
export interface Picture {
  /** Pixels as stored, before orientation. */
  readonly width: number
  readonly height: number
  readonly orientation: Orientation
}

/** A file that is to be hosted. */
export interface NewFile {
  readonly contentType: HostedType
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
  /** What was seen of an uploaded image; null for one that we made ourselves. */
  readonly picture: Picture | null
  /** See `HostedFile`; null where the content is a stream, and its hash is known at its end. */
  readonly hashes: readonly string[] | null
  readonly tier: Tier
  /** Seconds until it expires. */
  readonly lifeSeconds: number
  /**
   * Whether it is kept for good only once it is confirmed: what nobody was told of is deleted after 26 hours, longer
   * than a payment's answer can be asked for again.
   */
  readonly isProvisional: boolean
}

/** What the R2 object of a file says of it besides its bytes. */
export interface FileFacts {
  readonly tier: Tier
  readonly expiresAt: number
  /** Seconds that it was given when it was uploaded. */
  readonly lifeSeconds: number
  /** SHA-256 of the delete token, in hex. */
  readonly deletion: string
  readonly picture: Picture | null
  /** As far as they were known when it was stored: see `HostedFile`. */
  readonly hashes: readonly string[]
  /** Until when its record stands if it is not confirmed; null: it needs no confirmation. */
  readonly provisionalUntil: number | null
  readonly isTakenDown: boolean
}

/** The facts as R2's custom metadata, which holds text. */
export const writeFacts = (facts: FileFacts): Record<string, string> => ({ facts: JSON.stringify(facts) })

/** The facts of an object that `writeFacts` described. */
export const readFacts = ({ customMetadata }: Pick<R2Object, 'customMetadata'>): FileFacts =>
  JSON.parse(customMetadata?.facts ?? '{}') as FileFacts

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_LENGTH = 22
export const idPattern: RegExp = /^[0-9A-Za-z]{22}$/

/** A fresh id. */
export function createId(): string {
  let id = ''
  while (id.length < ID_LENGTH) {
    // Bytes of 248 and more would make the first letters likelier.
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) if (byte < 248) id += base62[byte % 62]
  }
  return id.slice(0, ID_LENGTH)
}
