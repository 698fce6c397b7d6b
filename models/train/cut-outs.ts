import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import sharp from 'sharp'
import type { Measures } from './agreement.ts'
import { findGround } from './crops.ts'
import { type Label, readLabels } from './label.ts'
import { Cache, type Plane, readPlane } from './pictures.ts'
import { createRandom } from './random.ts'
import { sources } from './sources.ts'

/** Whether a label is good enough to put its subject before another ground: narrow edges, nothing half seen. */
export const isSure = ({ blur, fog, mirrorIou = 1 }: Measures): boolean => blur < 2.2 && fog < 0.005 && mirrorIou > 0.96

/** Whether something of a matte lies at the border of its picture, where the subject may be cut off. */
export function touchesBorder({ data, width, height }: Plane): boolean {
  for (let x = 0; x < width; x += 1) if (data[x]! > 25 || data[(height - 1) * width + x]! > 25) return true
  for (let y = 0; y < height; y += 1) if (data[y * width]! > 25 || data[y * width + width - 1]! > 25) return true
  return false
}

const isPair = (label: Label): label is Kept => 'kept' in label && label.kept === 'pair'
type Kept = Extract<Label, { kept: unknown }>

/** Where a photograph's files lie, within the folder of each kind. */
const place = ({ photo }: Kept): readonly [source: string, id: string] => [
  basename(dirname(photo)),
  basename(photo, extname(photo)),
]

/** Pairs that are still there: somebody may have looked at one, and removed it. */
async function* readPairs(folder: string) {
  for (const label of (await readLabels(folder)).filter(isPair)) {
    const [source, id] = place(label)
    const pair = join(folder, 'pairs', source, id)
    if (existsSync(`${pair}.jpg`) && existsSync(`${pair}.png`)) yield { label, source, id, pair }
  }
}

/** Makes cut-outs of the pairs that are sure, but for those it has made before. Answers how many. */
export async function cutOutPairs(folder: string): Promise<number> {
  const cache = new Cache(folder)
  let made = 0
  for await (const { label, source, id, pair } of readPairs(folder)) {
    if (!isSure(label.measures) || existsSync(join(folder, 'cutouts', source, `${id}.png`))) continue
    const matte = await readPlane(sharp(await readFile(`${pair}.png`)).extractChannel(0))
    if (touchesBorder(matte)) continue
    const { data, width, height } = matte
    const picture = sharp(await readFile(`${pair}.jpg`)).joinChannel(data, { raw: { width, height, channels: 1 } })
    if (await cache.writeCutOut(source, id, sharp(await picture.png().toBuffer()))) made += 1
  }
  return made
}

/** Sources whose photographs may have others beside their subject. */
const crowded = new Set(sources.filter(({ hasOthers }) => hasOthers).map(({ name }) => name))

/**
 * Makes grounds of what lies beside the subjects of pairs, but for those it has made before. Answers how many. Streets
 * with people on them have too many other people, and other scenes too: among them was a pitcher in full throw.
 */
export async function cropPairs(folder: string): Promise<number> {
  const cache = new Cache(folder)
  let made = 0
  for await (const { label, source, id, pair } of readPairs(folder)) {
    if (crowded.has(source) || label.measures.fog > 0.02) continue
    if (existsSync(join(folder, 'grounds', source, `${id}.jpg`))) continue
    const matte = await readPlane(sharp(await readFile(`${pair}.png`)).extractChannel(0))
    const seen = { ...matte, data: Buffer.from(matte.data.map((alpha) => (alpha > 12 ? alpha : 0))) }
    const box = findGround(seen, createRandom(Number.parseInt(label.sha256.slice(0, 8), 16)), 120)
    if (!box) continue
    await cache.writeGround(source, id, sharp(await readFile(`${pair}.jpg`)).extract(box))
    made += 1
  }
  return made
}
