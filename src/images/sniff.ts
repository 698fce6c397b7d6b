/** What a file is, by its first bytes. Wider than what is served, so that an error can name what was sent. */
export type FileKind =
  | 'png'
  | 'jpeg'
  | 'webp'
  | 'gif'
  | 'avif'
  | 'heic'
  | 'bmp'
  | 'tiff'
  | 'jxl'
  | 'svg'
  | 'html'
  | 'pdf'
  | 'mp4'
  | 'webm'

interface Signature {
  readonly kind: FileKind
  /** Every part must stand at its offset, byte for byte (Latin-1). */
  readonly parts: readonly (readonly [offset: number, text: string])[]
}

/** Magic bytes, the more telling first (WHATWG MIME Sniffing 6.1, ISO 14496-12 for `ftyp`). */
export const signatures: readonly Signature[] = [
  { kind: 'png', parts: [[0, '\x89PNG\r\n\x1a\n']] },
  { kind: 'jpeg', parts: [[0, '\xff\xd8\xff']] },
  {
    kind: 'webp',
    parts: [
      [0, 'RIFF'],
      [8, 'WEBP'],
    ],
  },
  { kind: 'gif', parts: [[0, 'GIF87a']] },
  { kind: 'gif', parts: [[0, 'GIF89a']] },
  { kind: 'avif', parts: [[4, 'ftypavif']] },
  { kind: 'avif', parts: [[4, 'ftypavis']] },
  { kind: 'heic', parts: [[4, 'ftyphei']] },
  { kind: 'heic', parts: [[4, 'ftypmif1']] },
  // Behind the pictures in the same container.
  { kind: 'mp4', parts: [[4, 'ftyp']] },
  { kind: 'webm', parts: [[0, '\x1aE\xdf\xa3']] },
  { kind: 'bmp', parts: [[0, 'BM']] },
  { kind: 'tiff', parts: [[0, 'II*\0']] },
  { kind: 'tiff', parts: [[0, 'MM\0*']] },
  { kind: 'jxl', parts: [[0, '\xff\x0a']] },
  { kind: 'jxl', parts: [[4, 'JXL \r\n\x87\n']] },
  { kind: 'svg', parts: [[0, '<svg']] },
  { kind: 'svg', parts: [[0, '<?xml']] },
  { kind: 'html', parts: [[0, '<!DOCTYPE']] },
  { kind: 'html', parts: [[0, '<html']] },
  { kind: 'pdf', parts: [[0, '%PDF-']] },
]

/** Whether the Latin-1 `text` stands at `offset` of `bytes`. */
export function matchesText(bytes: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (bytes[offset + i] !== text.charCodeAt(i)) return false
  }
  return true
}

/** The kind of file that begins with `bytes` (32 are enough), or null. Magic bytes alone: the rest may be junk. */
export function sniffKind(bytes: Uint8Array): FileKind | null {
  const fits = ({ parts }: Signature) => parts.every(([offset, text]) => matchesText(bytes, offset, text))
  return signatures.find(fits)?.kind ?? null
}

/** Content-Types a caller may send, without parameters, in lower case. Many clients say `image/jpg` for JPEG. */
export const contentTypes = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/webp': 'webp',
} as const satisfies Record<string, FileKind>

/** The format that a Content-Type header names, or null; parameters and letter case do not matter. */
export function readContentType(header: string | null): (typeof contentTypes)[keyof typeof contentTypes] | null {
  const type = header?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return Object.hasOwn(contentTypes, type) ? contentTypes[type as keyof typeof contentTypes] : null
}
