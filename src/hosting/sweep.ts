import { now } from '../clock.ts'
import { ApiError } from '../errors.ts'
import type { HostedFiles } from './files.ts'
import type { FileRecord } from './records.ts'

/** Records that are looked at together: each takes up to three calls of R2. */
const BATCH = 250
/** What one run looks at: a Worker may call R2 only so often, and the next run goes on. */
const MOST = 2500

/**
 * Whether the time of a record is the end of its file. That of a provisional file is, unless the file was confirmed:
 * then another record says when it ends.
 */
async function isOver(files: HostedFiles, { id }: FileRecord): Promise<boolean> {
  const facts = await files.readFacts(id)
  return facts === null || facts.expiresAt <= now() || !(await files.records.has(facts.expiresAt, id))
}

/**
 * Deletes files whose time has come, in the order of their expiry, within bounds. A record goes last: whatever
 * interrupts this, the next run finds what is left.
 */
export async function sweep(files: HostedFiles, most = MOST): Promise<{ deleted: number; isDone: boolean }> {
  let deleted = 0
  for (let looked = 0; looked < most; ) {
    const { records, isLast } = await files.records.list(Math.min(BATCH, most - looked), null)
    const due = records.filter(({ at }) => at <= now())
    const verdicts = await Promise.all(due.map((record) => isOver(files, record)))
    const over = due.filter((_, index) => verdicts[index])
    await files.erase(over.map(({ id }) => id))
    await files.records.deleteAll(due)
    deleted += over.length
    looked += due.length
    if (isLast || due.length < records.length) return { deleted, isDone: true }
  }
  return { deleted, isDone: false }
}

/** What does not fit together: what a page of files, records or variants has to say, in ids of files. */
export interface CheckedPage {
  /** Files that no record names: they would stay for ever. */
  readonly filesWithoutRecord: readonly string[]
  /** Named by a record, and not there: what a crash left, or somebody deleted by hand. */
  readonly recordsWithoutFile: readonly string[]
  /** Files that are not there, and of which there are variants. */
  readonly variantsWithoutFile: readonly string[]
  /** How many files, records and variants this page looked at. */
  readonly looked: number
  /** Where the next page begins; null: this was the last. */
  readonly cursor: string | null
}

/** A younger record may be that of an upload whose file is still on its way. */
const SETTLED_MS = 60 * 60 * 1000

type Walk = (files: HostedFiles, after: string | null, isRepair: boolean) => Promise<CheckedPage>

const nothing = { filesWithoutRecord: [], recordsWithoutFile: [], variantsWithoutFile: [] }

/** One after the other. Our own cursor: which of them, and the key behind which it goes on. */
const walks: Readonly<Record<string, Walk>> = {
  async files(files, after, isRepair) {
    const { records } = files
    const page = await files.list(BATCH, after)
    const isRecorded = await Promise.all(
      page.files.map(async ({ id, facts: { expiresAt, provisionalUntil } }) => {
        if (await records.has(expiresAt, id)) return true
        return provisionalUntil !== null && records.has(Math.min(provisionalUntil, expiresAt), id)
      }),
    )
    const lonely = page.files.filter((_, index) => !isRecorded[index])
    if (isRepair) await Promise.all(lonely.map(({ id, facts }) => records.put(facts.expiresAt, id, facts.hashes)))
    return {
      ...nothing,
      filesWithoutRecord: lonely.map(({ id }) => id),
      looked: page.files.length,
      cursor: page.isLast ? 'records ' : `files ${page.files.at(-1)!.id}`,
    }
  },
  async records(files, after, isRepair) {
    const page = await files.records.list(BATCH, after)
    const facts = await Promise.all(page.records.map(({ id }) => files.readFacts(id)))
    const lonely = page.records.filter(({ writtenAt }, at) => facts[at] === null && writtenAt < now() - SETTLED_MS)
    if (isRepair) await files.records.deleteAll(lonely)
    return {
      ...nothing,
      recordsWithoutFile: lonely.map(({ id }) => id),
      looked: page.records.length,
      cursor: page.isLast ? 'variants ' : `records ${page.records.at(-1)!.key}`,
    }
  },
  async variants(files, after, isRepair) {
    const page = await files.listAllVariants(BATCH, after)
    const ids = [...new Set(page.variants.map(({ id }) => id))]
    const facts = await Promise.all(ids.map((id) => files.readFacts(id)))
    const lonely = ids.filter((_, index) => facts[index] === null)
    if (isRepair) await files.erase(lonely)
    return {
      ...nothing,
      variantsWithoutFile: lonely,
      looked: page.variants.length,
      cursor: page.isLast ? null : `variants ${page.variants.at(-1)!.key}`,
    }
  },
}

/**
 * Looks for files without a record, records without a file, and variants without a file.
 * @param cursor of the page before, or null for the first
 * @param isRepair gives such files the record that they lack, and deletes such records and variants
 * @throws ApiError `invalid_request` for a cursor that is none
 */
export async function checkStorage(files: HostedFiles, cursor: string | null, isRepair: boolean): Promise<CheckedPage> {
  const [name = '', after = ''] = (cursor ?? 'files ').split(' ')
  const walk = Object.hasOwn(walks, name) ? walks[name] : undefined
  if (!walk) throw new ApiError('invalid_request', { message: 'The option "cursor" is not one that an answer gave.' })
  return walk(files, after || null, isRepair)
}
