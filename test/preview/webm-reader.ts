/** An element of an EBML file as it is met: `at` its first byte, `start` its content's, `end` behind it. */
export interface Element {
  readonly name: string
  readonly at: number
  readonly start: number
  readonly end: number
  readonly data: Buffer
}

/** Ids that are met, of elements that hold others (RFC 9559). */
const parents: Readonly<Record<string, string>> = {
  '1a45dfa3': 'EBML',
  '18538067': 'Segment',
  '114d9b74': 'SeekHead',
  '4dbb': 'Seek',
  '1549a966': 'Info',
  '1654ae6b': 'Tracks',
  ae: 'TrackEntry',
  e0: 'Video',
  '55b0': 'Colour',
  '1c53bb6b': 'Cues',
  bb: 'CuePoint',
  b7: 'CueTrackPositions',
  '1f43b675': 'Cluster',
}

/** And of those that do not. */
const leaves: Readonly<Record<string, string>> = {
  '4286': 'EBMLVersion',
  '42f7': 'EBMLReadVersion',
  '42f2': 'EBMLMaxIDLength',
  '42f3': 'EBMLMaxSizeLength',
  '4282': 'DocType',
  '4287': 'DocTypeVersion',
  '4285': 'DocTypeReadVersion',
  '53ab': 'SeekID',
  '53ac': 'SeekPosition',
  '2ad7b1': 'TimestampScale',
  '4489': 'Duration',
  '4d80': 'MuxingApp',
  '5741': 'WritingApp',
  d7: 'TrackNumber',
  '73c5': 'TrackUID',
  '83': 'TrackType',
  '9c': 'FlagLacing',
  '23e383': 'DefaultDuration',
  '86': 'CodecID',
  b0: 'PixelWidth',
  ba: 'PixelHeight',
  '55b1': 'MatrixCoefficients',
  '55b9': 'Range',
  '55ba': 'TransferCharacteristics',
  '55bb': 'Primaries',
  b3: 'CueTime',
  f7: 'CueTrack',
  f1: 'CueClusterPosition',
  e7: 'Timestamp',
  a3: 'SimpleBlock',
}

/** All elements of a file, in order, parents before what they hold. Throws if one ends outside of its parent. */
export function readElements(file: Buffer, from = 0, to = file.length): Element[] {
  const elements: Element[] = []
  for (let at = from; at < to; ) {
    // The zeros before the first one tell the length (RFC 8794, 4).
    const idLength = Math.clz32(file[at]!) - 23
    const id = file.toString('hex', at, at + idLength)
    const sizeAt = at + idLength
    const sizeLength = Math.clz32(file[sizeAt]!) - 23
    const start = sizeAt + sizeLength
    const end = start + file.readUIntBE(sizeAt, sizeLength) - 2 ** (7 * sizeLength)
    if (end > to) throw new Error(`element ${id} at ${at} ends at ${end}, its parent at ${to}`)
    const name = parents[id] ?? leaves[id] ?? 'unknown'
    elements.push({ name, at, start, end, data: file.subarray(start, end) })
    if (id in parents) elements.push(...readElements(file, start, end))
    at = end
  }
  return elements
}
