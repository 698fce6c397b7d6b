import type { MirroredFile } from './mirror.ts'
import type { Source } from './source.ts'

const fileNumber = (path: string): number => Number(/(\d+)\.[a-z]+$/.exec(path)?.[1])

/** What a list of licences, as COCO writes it, allows: numbers of photographs. */
export function readFree(json: string, ids: readonly number[]): Set<number> {
  const { images } = JSON.parse(json) as { images: { id: number; license: number }[] }
  return new Set(images.filter(({ license }) => ids.includes(license)).map(({ id }) => id))
}

/**
 * The files of a repository that a source takes: each picture once, at most so many of a class, and the same ones in
 * every run.
 * @param free numbers of the photographs whose own licences allow it, for a source that has a list of licences
 */
export function choose(source: Source, files: readonly MirroredFile[], free?: ReadonlySet<number>): MirroredFile[] {
  const classes = new Map<string, MirroredFile[]>()
  const seen = new Set<string>()
  for (const file of files) {
    const match = source.files.exec(file.path)
    if (!match || source.without?.files.test(file.path) || seen.has(file.blob)) continue
    if (source.licences && !free?.has(fileNumber(file.path))) continue
    seen.add(file.blob)
    const name = match[1] ?? ''
    classes.set(name, [...(classes.get(name) ?? []), file])
  }
  return [...classes.values()].flatMap((all) => {
    const some = all.filter((_, i) => i % (source.every ?? 1) === 0)
    // Ordered by what is in them, so that a class's first pictures are not all of one kind.
    const mixed = source.atMost ? some.sort((a, b) => (a.blob < b.blob ? -1 : 1)) : some
    return mixed.slice(0, source.atMost)
  })
}
