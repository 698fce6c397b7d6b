import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { createScene } from '../../workers/preview/scene.ts'
import { renderVideo } from '../../workers/preview/video.ts'
import { writeWebm } from '../../workers/preview/webm.ts'
import { compare, createEncoder, encodeVideo, paint } from './kit.ts'
import { readElements } from './webm-reader.ts'

const size = { width: 160, height: 96 }
const frameRate = 10

describe('a video', () => {
  it('is the same for the same prompt, size and length, byte by byte', async () => {
    const one = await encodeVideo('falling snow', size, 1, frameRate)
    expect(Buffer.compare(one, await encodeVideo('falling snow', size, 1, frameRate))).toBe(0)
    expect(Buffer.compare(one, await encodeVideo('falling rain', size, 1, frameRate))).not.toBe(0)
  })

  it.each(['a red fox in the snow', 'the sea at night', 'a green bottle', 'quantum jazz', 'a fish'])(
    'moves: %s',
    async (prompt) => {
      expect(compare(await paint(prompt, size, 0), await paint(prompt, size, 1))).toBeGreaterThan(0.5)
    },
  )

  it('begins with the picture of its prompt', async () => {
    const still = await paint('a red fox in the snow', size)
    expect(compare(still, await paint('a red fox in the snow', size, 0))).toBe(0)
  })

  it('holds key frames of its size that show what was painted', async () => {
    const file = await encodeVideo('a lighthouse', size, 1, frameRate)
    const frames = readElements(file).filter(({ name }) => name === 'SimpleBlock')
    expect(frames.length).toBe(10)
    for (const [i, { data }] of frames.entries()) {
      // The track, the time in the cluster, the flag for key frames; then VP8's own (RFC 6386, 9.1): even is a key frame.
      expect([data[0], data.readInt16BE(1), data[3]]).toEqual([0x81, i * 100, 0x80])
      expect(data[4]! & 1).toBe(0)
      expect([data.readUInt16LE(10), data.readUInt16LE(12)]).toEqual([160, 96])
    }
    const frame = frames[3]!.data.subarray(4)
    const head = Buffer.alloc(20)
    head.write('RIFF')
    head.writeUInt32LE(frame.length + 12, 4)
    head.write('WEBPVP8 ', 8)
    head.writeUInt32LE(frame.length, 16)
    const shown = await sharp(Buffer.concat([head, frame]))
      .removeAlpha()
      .raw()
      .toBuffer()
    expect(compare(shown, await paint('a lighthouse', size, 0.3))).toBeLessThan(6)
  })

  it('is given up when nobody wants it any more', async () => {
    let frames = 0
    const plan = { ...size, seconds: 8, frameRate }
    const rest = async () => {
      frames += 1
      return frames < 3
    }
    expect(await renderVideo(await createScene('a fox'), plan, createEncoder(), rest)).toBeNull()
    expect(frames).toBe(3)
  })
})

describe('a WebM file', () => {
  const frames = Array.from({ length: 25 }, (_, i) => new Uint8Array(50 + i).fill(i))
  const file = Buffer.concat(writeWebm(frames, size, frameRate))
  const elements = readElements(file)
  const find = (name: string) => elements.filter((element) => element.name === name)
  const numbers = (name: string) => find(name).map(({ data }) => data.readUIntBE(0, data.length))

  it('is well-formed: every element ends where its parent does', () => {
    expect(elements.map(({ name }) => name)).not.toContain('unknown')
    expect(find('Segment')[0]!.end).toBe(file.length)
  })

  it('says what it holds', () => {
    expect(find('DocType')[0]!.data.toString()).toBe('webm')
    expect(find('CodecID')[0]!.data.toString()).toBe('V_VP8')
    expect([numbers('PixelWidth'), numbers('PixelHeight')]).toEqual([[160], [96]])
    expect(find('Duration')[0]!.data.readDoubleBE()).toBe(2500)
  })

  it('holds every frame at its time', () => {
    const times: number[] = []
    let start = 0
    for (const { name, data } of elements) {
      if (name === 'Timestamp') start = data.readUInt32BE()
      if (name === 'SimpleBlock') times.push(start + data.readInt16BE(1))
    }
    expect(times).toEqual(frames.map((_, i) => i * 100))
    expect(find('SimpleBlock').map(({ data }) => data.length - 4)).toEqual(frames.map(({ length }) => length))
  })

  it('has an index: each cue leads to the cluster of its time, and the head to the rest', () => {
    const inside = find('Segment')[0]!.start
    const clusters = find('Cluster').map(({ at }) => at - inside)
    expect(numbers('CueClusterPosition')).toEqual(clusters)
    expect(numbers('CueTime')).toEqual([0, 1000, 2000])
    expect(numbers('SeekPosition')).toEqual(['Info', 'Tracks', 'Cues'].map((name) => find(name)[0]!.at - inside))
  })
})
