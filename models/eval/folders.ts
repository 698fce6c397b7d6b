import { readdir } from 'node:fs/promises'
import { basename, extname, join, parse, relative } from 'node:path'
import { readPicture, readTruth } from './decode.ts'
import type { Example, ExampleSet } from './examples.ts'
import { UsageError } from './usage-error.ts'

const isPhoto = (name: string): boolean => /\.(jpe?g|png|webp)$/i.test(name)
const isMask = (name: string): boolean => /\.png$/i.test(name)

/** Names of two folders beside each other, where photographs and masks do not lie in one. */
const split = { photos: 'images', masks: 'masks' } as const

/** Each photograph with the mask of the same name; photographs without one are left out. */
function pair(photos: readonly string[], masks: readonly string[]): [photo: string, mask: string][] {
  const maskOf = new Map(masks.filter(isMask).map((path) => [parse(path).name, path]))
  return photos.filter(isPhoto).flatMap((photo): [string, string][] => {
    const mask = maskOf.get(parse(photo).name)
    return mask === undefined || mask === photo ? [] : [[photo, mask]]
  })
}

/** Whatever is wrong with a file is of use only with its name. */
const blame =
  (path: string) =>
  (cause: unknown): never => {
    throw new UsageError(`${path}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }

const createExample = ([photo, mask]: [string, string]): Example => ({
  name: basename(photo, extname(photo)),
  async open() {
    const [picture, truth] = await Promise.all([
      readPicture(photo).catch(blame(photo)),
      readTruth(mask).catch(blame(mask)),
    ])
    if (picture.width !== truth.width || picture.height !== truth.height) {
      throw new UsageError(
        `${mask} has ${truth.width} x ${truth.height} pixels, and ${photo} has ${picture.width} x ${picture.height}`,
      )
    }
    return { picture, truth }
  },
})

/**
 * The sets in a folder: each folder in it, itself included, that holds photographs (`x.jpg`, `x.webp`, or `x.png` where
 * masks lie apart) with masks of the same name (`x.png`), or holds these in `images/` and `masks/`. Sorted by name.
 */
export async function readFolder(root: string): Promise<ExampleSet[]> {
  const sets: ExampleSet[] = []
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true })
    const inside = (place: string) =>
      readdir(join(folder, place)).then((names) => names.map((name) => join(folder, place, name)))
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    const isSplit = folders.includes(split.photos) && folders.includes(split.masks)
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name))
    const pairs = isSplit ? pair(await inside(split.photos), await inside(split.masks)) : pair(files, files)
    const examples = pairs.map(createExample).sort((a, b) => (a.name < b.name ? -1 : 1))
    if (examples.length > 0) sets.push({ name: join(basename(root), relative(root, folder)), examples })
    for (const name of folders.sort()) {
      if (!(isSplit && (name === split.photos || name === split.masks))) await visit(join(folder, name))
    }
  }
  await visit(root)
  return sets
}
