import { basename, dirname, extname } from 'node:path'
import sharp from 'sharp'
import { readMatArray } from '../mat-file.ts'
import { choose, readFree } from './choose.ts'
import { drawBox, findGround } from './crops.ts'
import type { Mirror, MirroredFile } from './mirror.ts'
import { Cache, encodeAlpha, fitSize, openPhoto, type Plane, readPlane, resizeAlpha } from './pictures.ts'
import { createRandom } from './random.ts'
import type { Source, Use } from './source.ts'
import { sources } from './sources.ts'

export interface ExtractOptions {
  readonly mirror: Mirror
  /** Folder of training data: `photos`, `rough`, `pairs`, `cutouts`, `grounds`. */
  readonly cache: string
  /** Names of the sources to extract; all without it. */
  readonly only?: readonly string[]
  readonly say: (line: string) => void
}

interface Work {
  readonly source: Source
  readonly cache: Cache
  readonly read: (blob: string) => Buffer
  /** All files of the repository, by path. */
  readonly blobs: ReadonlyMap<string, string>
}

/** Names a picture after what is in it. */
const identify = ({ blob }: MirroredFile): string => blob.slice(0, 16)

const seedOf = ({ blob }: MirroredFile): number => Number.parseInt(blob.slice(0, 8), 16)

async function keepPhoto({ source, cache, read }: Work, file: MirroredFile): Promise<void> {
  const path = `photos/${source.name}/${identify(file)}${extname(file.path).toLowerCase()}`
  await cache.write(path, read(file.blob))
}

async function keepMasked({ source, cache, read, blobs }: Work, file: MirroredFile): Promise<void> {
  const mask = blobs.get(file.path.replace('/JPEGImages/', '/Annotations/').replace(/\.jpg$/, '.png'))
  if (!mask) throw new Error('it has no mask')
  const alpha = await readPlane(sharp(read(mask)).toColourspace('b-w').threshold(128).extractChannel(0))
  await cache.writePair(source.name, identify(file), openPhoto(read(file.blob)), alpha)
}

/** Ids of photographs with labels; each tenth, from the seventh on, is for evaluation. */
export function splitLabelled(paths: Iterable<string>): { readonly taught: Set<string>; readonly held: Set<string> } {
  const all = [...paths]
  const photos = new Set(all.filter((path) => path.startsWith('photos/')).map((path) => basename(path, '.jpg')))
  const labelled = all
    .filter((path) => path.startsWith('annotations/pixel-level/'))
    .map((path) => basename(path, '.mat'))
  const ids = labelled.filter((id) => photos.has(id)).sort()
  const held = new Set(ids.filter((_, i) => i % 10 === 6))
  return { taught: new Set(ids.filter((id) => !held.has(id))), held }
}

/** The photograph's mask, if it may be trained with. */
function readRough({ read, blobs }: Work, file: MirroredFile): Plane | undefined {
  const id = basename(file.path, '.jpg')
  if (!splitLabelled(blobs.keys()).taught.has(id)) return undefined
  const labels = readMatArray(read(blobs.get(`annotations/pixel-level/${id}.mat`)!), 'groundtruth')
  const { width, height, values } = labels
  return { width, height, data: Buffer.from(values.map((label) => (label > 0 ? 255 : 0))) }
}

async function keepOutlined(work: Work, file: MirroredFile): Promise<void> {
  const mask = readRough(work, file)
  if (!mask) return
  const { width, height } = fitSize(mask.width, mask.height)
  const rough = await resizeAlpha(mask, width, height)
  await work.cache.write(`rough/${work.source.name}/${identify(file)}.png`, await encodeAlpha(rough))
  await keepPhoto(work, file)
}

async function keepBeside(work: Work, file: MirroredFile): Promise<void> {
  const mask = readRough(work, file)
  const box = mask && findGround(mask, createRandom(seedOf(file)))
  if (!box) return
  const crop = openPhoto(work.read(file.blob)).extract(box)
  const path = `photos/${work.source.name}/${identify(file)}.jpg`
  await work.cache.write(path, await crop.jpeg({ quality: 95 }).toBuffer())
}

async function keepCutOut({ source, cache, read }: Work, file: MirroredFile): Promise<void> {
  const isKept = await cache.writeCutOut(source.name, identify(file), sharp(read(file.blob)), source.shadowBelow)
  if (!isKept) throw new Error('there is too little to be seen')
}

async function keepGrounds({ source, cache, read }: Work, file: MirroredFile): Promise<void> {
  const picture = await readPlane(
    openPhoto(read(file.blob)).resize(2400, 2400, { fit: 'inside', withoutEnlargement: true }),
  )
  const random = createRandom(seedOf(file))
  for (let i = 0; i < (source.crops ?? 1); i += 1) {
    const crop = sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } })
    await cache.writeGround(source.name, `${identify(file)}-${i}`, crop.extract(drawBox(picture, random)))
  }
}

const keepers: Readonly<Record<Use, (work: Work, file: MirroredFile) => Promise<void>>> = {
  masked: keepMasked,
  outlined: keepOutlined,
  taught: keepPhoto,
  emptied: keepPhoto,
  beside: keepBeside,
  'cut out': keepCutOut,
  ground: keepGrounds,
}
/** What needs no teacher comes first: training can begin with it. */
const order: readonly Use[] = ['masked', 'cut out', 'ground', 'outlined', 'taught', 'emptied', 'beside']

function readList({ licences }: Source, mirror: Mirror): Set<number> | undefined {
  if (!licences) return undefined
  const { repository, commit, file, ids } = licences
  const list = mirror.list(repository, commit).find(({ path }) => path === file)
  if (!list) throw new Error(`${repository} has no ${file}`)
  return readFree(mirror.read(repository, list.blob).toString(), ids)
}

/**
 * Takes from the mirror what the sources say. What cannot be read is said and left out; a repository that is not there
 * too.
 */
export async function extractSources({ mirror, cache: folder, only, say }: ExtractOptions): Promise<void> {
  const cache = new Cache(folder)
  const wanted = sources.filter(({ name }) => !only || only.includes(name))
  for (const source of order.flatMap((use) => wanted.filter((each) => each.use === use))) {
    const { name, repository, commit, use } = source
    if (!mirror.has(repository)) {
      say(`${name}: ${repository} is not in the mirror`)
      continue
    }
    const files = mirror.list(repository, commit)
    const chosen = choose(source, files, readList(source, mirror))
    const work: Work = {
      ...{ source, cache },
      read: (blob) => mirror.read(repository, blob),
      blobs: new Map(files.map(({ path, blob }) => [path, blob])),
    }
    const faults: string[] = []
    for (const file of chosen) {
      await keepers[use](work, file).catch((error: Error) =>
        faults.push(`${basename(dirname(file.path))}: ${error.message}`),
      )
    }
    say(`${name}: ${chosen.length} files, ${faults.length} left out${faults[0] ? ` (${faults[0]})` : ''}`)
  }
}
