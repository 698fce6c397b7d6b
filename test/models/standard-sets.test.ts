import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { beforeEach, describe, expect, it } from 'vitest'
import { readFolder } from '../../models/eval/folders.ts'
import { standardSets, writeSet } from '../../models/eval/standard-sets.ts'
import { readMatArray } from '../../models/mat-file.ts'

/** A data element; a small one where it fits and `isSmall` says so. */
function element(type: number, data: Buffer, isSmall = false): Buffer {
  const tag = Buffer.alloc(isSmall ? 4 : 8)
  if (isSmall) tag.writeUInt32LE((data.length << 16) | type)
  else {
    tag.writeUInt32LE(type)
    tag.writeUInt32LE(data.length, 4)
  }
  const whole = Buffer.concat([tag, data])
  return type === 15 ? whole : Buffer.concat([whole, Buffer.alloc((8 - (whole.length % 8)) % 8)])
}
const int32 = (...numbers: number[]) => Buffer.from(Int32Array.from(numbers).buffer)

/** A MAT-file with one array of 2 rows and 3 columns: 0 1 2 above 3 4 5. */
function writeMat(name: string, isCompressed: boolean): Buffer {
  const header = Buffer.concat([Buffer.from('MATLAB 5.0 MAT-file'.padEnd(124)), Buffer.from([0, 1, 0x49, 0x4d])])
  const parts = [
    element(6, int32(9, 0)),
    element(5, int32(2, 3)),
    element(1, Buffer.from(name), name.length <= 4),
    element(2, Buffer.from([0, 3, 1, 4, 2, 5])),
  ]
  const matrix = element(14, Buffer.concat(parts))
  return Buffer.concat([header, isCompressed ? element(15, deflateSync(matrix)) : matrix])
}

describe('a MAT-file', () => {
  it.each([true, false])('gives its array row by row (compressed: %s)', (isCompressed) => {
    for (const name of ['groundtruth', 'gt']) {
      expect(readMatArray(writeMat(name, isCompressed), name)).toEqual({
        width: 3,
        height: 2,
        values: [0, 1, 2, 3, 4, 5],
      })
    }
  })
  it('without that array, or that is none, is an error', () => {
    expect(() => readMatArray(writeMat('other', true), 'groundtruth')).toThrow(/no array "groundtruth"/)
    expect(() => readMatArray(Buffer.alloc(200), 'groundtruth')).toThrow(/no MAT-file/)
  })
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pixtoll-sets-'))
  return () => rmSync(folder, { recursive: true })
})

async function commit(files: Readonly<Record<string, Buffer>>): Promise<string> {
  const clone = join(folder, 'clone')
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(clone, path, '..'), { recursive: true })
    writeFileSync(join(clone, path), content)
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', clone, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args])
  git('init', '-q')
  git('add', '.')
  git('commit', '-q', '-m', 'pictures')
  return clone
}
const photo = await sharp({ create: { width: 3, height: 2, channels: 3, background: '#fff' } })
  .jpeg()
  .toBuffer()

it('ccp-100 is every tenth labelled photograph from the seventh on; any label is the subject', async () => {
  const files: Record<string, Buffer> = {}
  for (let i = 1; i <= 20; i += 1) {
    const name = String(i).padStart(4, '0')
    files[`photos/${name}.jpg`] = photo
    // One has no labels.
    if (i !== 3) files[`annotations/pixel-level/${name}.mat`] = writeMat('groundtruth', true)
  }
  const out = join(folder, 'out')
  expect(await writeSet(standardSets[0], await commit(files), out)).toBe(2)
  const [set] = await readFolder(out)
  expect(set?.examples.map(({ name }) => name)).toEqual(['0008', '0018'])
  const { truth } = await set!.examples[0]!.open()
  expect([...truth.values]).toEqual([0, 1, 1, 1, 1, 1])
})

it('u2net-18 is the photographs that U-2-Net has maps of', async () => {
  const map = await sharp({ create: { width: 3, height: 2, channels: 3, background: '#333' } })
    .png()
    .toBuffer()
  const clone = await commit({
    'test_data/test_images/a.jpg': photo,
    'test_data/test_images/b.jpg': photo,
    'test_data/u2net_results/a.png': map,
  })
  const out = join(folder, 'out')
  expect(await writeSet(standardSets[1], clone, out)).toBe(1)
  const { truth } = await (await readFolder(out))[0]!.examples[0]!.open()
  for (const value of truth.values) expect(value).toBeCloseTo(0.2, 2)
})
