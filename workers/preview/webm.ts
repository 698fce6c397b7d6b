import type { Size } from './paint.ts'

/** Ids of EBML elements (RFC 8794) and of Matroska's (RFC 9559), as they are written. */
const ids = {
  EBML: 0x1a45dfa3,
  EBMLVersion: 0x4286,
  EBMLReadVersion: 0x42f7,
  EBMLMaxIDLength: 0x42f2,
  EBMLMaxSizeLength: 0x42f3,
  DocType: 0x4282,
  DocTypeVersion: 0x4287,
  DocTypeReadVersion: 0x4285,
  Segment: 0x18538067,
  SeekHead: 0x114d9b74,
  Seek: 0x4dbb,
  SeekID: 0x53ab,
  SeekPosition: 0x53ac,
  Info: 0x1549a966,
  TimestampScale: 0x2ad7b1,
  Duration: 0x4489,
  MuxingApp: 0x4d80,
  WritingApp: 0x5741,
  Tracks: 0x1654ae6b,
  TrackEntry: 0xae,
  TrackNumber: 0xd7,
  TrackUID: 0x73c5,
  TrackType: 0x83,
  FlagLacing: 0x9c,
  DefaultDuration: 0x23e383,
  CodecID: 0x86,
  Video: 0xe0,
  PixelWidth: 0xb0,
  PixelHeight: 0xba,
  Colour: 0x55b0,
  MatrixCoefficients: 0x55b1,
  Range: 0x55b9,
  TransferCharacteristics: 0x55ba,
  Primaries: 0x55bb,
  Cues: 0x1c53bb6b,
  CuePoint: 0xbb,
  CueTime: 0xb3,
  CueTrackPositions: 0xb7,
  CueTrack: 0xf7,
  CueClusterPosition: 0xf1,
  Cluster: 0x1f43b675,
  Timestamp: 0xe7,
  SimpleBlock: 0xa3,
} as const

type Id = keyof typeof ids

/** Bytes of an element, or of several, in order. */
type Bytes = readonly Uint8Array[]

const count = (bytes: Bytes): number => bytes.reduce((sum, { length }) => sum + length, 0)

function writeNumber(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let rest = value
  for (let i = length - 1; i >= 0; i -= 1) {
    bytes[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}

const idLength = (id: Id): number => Math.ceil((32 - Math.clz32(ids[id])) / 8)
const writeId = (id: Id): Uint8Array => writeNumber(ids[id], idLength(id))

/** Sizes and places take four bytes whatever they are, so that nothing moves when they become known. */
const fixed = 4

/** An element: its id, the size of what it holds, and that. */
function write(id: Id, ...content: readonly Bytes[]): Bytes {
  const inside = content.flat()
  // A size of four bytes begins with three zeros and a one (RFC 8794, 4.1).
  return [writeId(id), writeNumber(0x10000000 + count(inside), fixed), ...inside]
}

const writeUnsigned = (id: Id, value: number): Bytes => write(id, [writeNumber(value, fixed)])
const writeText = (id: Id, text: string): Bytes => write(id, [new TextEncoder().encode(text)])

function writeFloat(id: Id, value: number): Bytes {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return write(id, [bytes])
}

const header = write(
  'EBML',
  writeUnsigned('EBMLVersion', 1),
  writeUnsigned('EBMLReadVersion', 1),
  writeUnsigned('EBMLMaxIDLength', 4),
  writeUnsigned('EBMLMaxSizeLength', 8),
  writeText('DocType', 'webm'),
  writeUnsigned('DocTypeVersion', 4),
  writeUnsigned('DocTypeReadVersion', 2),
)

/** The one track: VP8, in the colours that WebP has (BT.601 in the studio's range, of sRGB). */
const writeTracks = ({ width, height }: Size, frameRate: number): Bytes =>
  write(
    'Tracks',
    write(
      'TrackEntry',
      writeUnsigned('TrackNumber', 1),
      writeUnsigned('TrackUID', 1),
      writeUnsigned('TrackType', 1),
      writeUnsigned('FlagLacing', 0),
      writeUnsigned('DefaultDuration', Math.round(1e9 / frameRate)),
      writeText('CodecID', 'V_VP8'),
      write(
        'Video',
        writeUnsigned('PixelWidth', width),
        writeUnsigned('PixelHeight', height),
        write(
          'Colour',
          writeUnsigned('MatrixCoefficients', 6),
          writeUnsigned('Range', 1),
          writeUnsigned('TransferCharacteristics', 13),
          writeUnsigned('Primaries', 1),
        ),
      ),
    ),
  )

/** Milliseconds. */
const timeOf = (frame: number, frameRate: number): number => Math.round((frame * 1000) / frameRate)

/** Frames from `first` on: a second of them, at most, since times in a cluster have 16 bits. */
function writeCluster(frames: readonly Uint8Array[], first: number, frameRate: number): Bytes {
  const start = timeOf(first, frameRate)
  const blocks = frames.flatMap((frame, i) => {
    // Track 1, the time since the cluster's, and that it is a key frame (RFC 9559, 10.2).
    const head = [Uint8Array.of(0x81), writeNumber(timeOf(first + i, frameRate) - start, 2), Uint8Array.of(0x80)]
    return write('SimpleBlock', [...head, frame])
  })
  return write('Cluster', writeUnsigned('Timestamp', start), blocks)
}

/** Places count from the first byte inside the segment. */
const writeSeeks = (places: readonly (readonly [Id, number])[]): Bytes =>
  write(
    'SeekHead',
    ...places.map(([id, at]) => write('Seek', write('SeekID', [writeId(id)]), writeUnsigned('SeekPosition', at))),
  )

const writeCues = (points: readonly (readonly [time: number, at: number])[]): Bytes =>
  write(
    'Cues',
    ...points.map(([time, at]) =>
      write(
        'CuePoint',
        writeUnsigned('CueTime', time),
        write('CueTrackPositions', writeUnsigned('CueTrack', 1), writeUnsigned('CueClusterPosition', at)),
      ),
    ),
  )

/**
 * A WebM of VP8 key frames, with an index, so that players can go to any second. Written here, since the well-kept
 * library for it (mediabunny) is MPL-2.0 and its MIT predecessor (webm-muxer) is no longer kept.
 */
export function writeWebm(frames: readonly Uint8Array[], size: Size, frameRate: number): Bytes {
  const info = write(
    'Info',
    writeUnsigned('TimestampScale', 1_000_000),
    writeFloat('Duration', timeOf(frames.length, frameRate)),
    writeText('MuxingApp', 'pixtoll'),
    writeText('WritingApp', 'pixtoll'),
  )
  const tracks = writeTracks(size, frameRate)
  const seconds = Array.from({ length: Math.ceil(frames.length / frameRate) }, (_, i) => i * frameRate)
  const clusters = seconds.map((first) => writeCluster(frames.slice(first, first + frameRate), first, frameRate))

  const placeAll = (start: number) => {
    let at = start
    return [info, tracks, writeCues(seconds.map((first) => [first, 0])), ...clusters].map((element) => {
      const place = at
      at += count(element)
      return place
    })
  }
  const seekLength = count(
    writeSeeks([
      ['Info', 0],
      ['Tracks', 0],
      ['Cues', 0],
    ]),
  )
  const [infoAt, tracksAt, cuesAt, ...clustersAt] = placeAll(seekLength)
  const seeks = writeSeeks([
    ['Info', infoAt!],
    ['Tracks', tracksAt!],
    ['Cues', cuesAt!],
  ])
  const cues = writeCues(seconds.map((first, i) => [timeOf(first, frameRate), clustersAt[i]!]))
  return [...header, ...write('Segment', seeks, info, tracks, cues, ...clusters)]
}
