import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { extname, join, parse } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { readMatArray } from '../mat-file.ts'

const run = promisify(execFile)

/** The newest commit of a git repository, bare or with a work tree. */
class Repository {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Paths of the files under a folder of it, sorted. */
  async list(under: string): Promise<string[]> {
    const { stdout } = await run(
      'git',
      ['-C', this.#folder, 'ls-tree', '-r', '-z', '--name-only', 'HEAD', `${under}/`],
      {
        maxBuffer: 64 << 20,
      },
    )
    return stdout.split('\0').filter(Boolean).sort()
  }

  async read(path: string): Promise<Buffer> {
    const args = ['-C', this.#folder, 'cat-file', 'blob', `HEAD:${path}`]
    const { stdout } = await run('git', args, { encoding: 'buffer', maxBuffer: 64 << 20 })
    return stdout
  }
}

/** A photograph, and its mask as a PNG. */
interface Pair {
  readonly photo: Buffer
  /** Of the photograph's file name. */
  readonly extension: string
  readonly mask: Buffer
}

const byStem = (paths: readonly string[]): Map<string, string> => new Map(paths.map((path) => [parse(path).name, path]))

/** Every tenth photograph with pixel labels; what has any label is the subject. */
async function* readCcp(repository: Repository): AsyncGenerator<[name: string, pair: Pair]> {
  const photos = byStem((await repository.list('photos')).filter((path) => path.endsWith('.jpg')))
  const labels = byStem((await repository.list('annotations/pixel-level')).filter((path) => path.endsWith('.mat')))
  const names = [...labels.keys()].filter((name) => photos.has(name)).sort()
  for (const [i, name] of names.entries()) {
    if (i % 10 !== 6) continue
    const { width, height, values } = readMatArray(await repository.read(labels.get(name)!), 'groundtruth')
    const raw = { width, height, channels: 1 } as const
    const mask = sharp(
      Uint8Array.from(values, (value) => (value > 0 ? 255 : 0)),
      { raw },
    )
    const photo = await repository.read(photos.get(name)!)
    yield [name, { photo, extension: '.jpg', mask: await mask.toColourspace('b-w').png().toBuffer() }]
  }
}

/** The test photographs, and what U-2-Net itself made of them: agreement with it, not truth. */
async function* readU2Net(repository: Repository): AsyncGenerator<[name: string, pair: Pair]> {
  const maps = byStem(await repository.list('test_data/u2net_results'))
  for (const path of await repository.list('test_data/test_images')) {
    const { name } = parse(path)
    const map = maps.get(name)
    if (map === undefined) continue
    const mask = await sharp(await repository.read(map))
      .removeAlpha()
      .toColourspace('b-w')
      .png()
      .toBuffer()
    yield [name, { photo: await repository.read(path), extension: extname(path), mask }]
  }
}

/** Sets that are too large to ship, made of public repositories. For evaluation alone. */
export const standardSets = [
  {
    name: 'ccp-100',
    repository: 'https://github.com/bearpaw/clothing-co-parsing',
    about: 'people in the street, coarse labels; the rights in the photographs are unclear',
    read: readCcp,
  },
  {
    name: 'u2net-18',
    repository: 'https://github.com/xuebinqin/U-2-Net',
    about: 'general photographs with the maps that U-2-Net itself made; Apache-2.0',
    read: readU2Net,
  },
] as const

/** Writes a set of a cloned repository into `images/` and `masks/` of a folder; answers how many pairs it has. */
export async function writeSet(set: (typeof standardSets)[number], clone: string, out: string): Promise<number> {
  const [images, masks] = [join(out, 'images'), join(out, 'masks')]
  for (const folder of [images, masks]) await mkdir(folder, { recursive: true })
  let count = 0
  for await (const [name, { photo, extension, mask }] of set.read(new Repository(clone))) {
    await writeFile(join(images, name + extension), photo)
    await writeFile(join(masks, `${name}.png`), mask)
    count += 1
  }
  return count
}
