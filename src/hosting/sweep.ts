import { now } from '../clock.ts'
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

/** What does not fit together: what a page of files and records has to say. */
export interface CheckedPage {
  /** Ids of files that no record names: they would stay for ever. */
  readonly filesWithoutRecord: readonly string[]
  /** Ids that a record names and that are not there: what a crash left, or somebody deleted by hand. */
  readonly recordsWithoutFile: readonly string[]
  /** How many files and records this page looked at. */
  readonly looked: number
  /** Where the next page begins; null: this was the last. */
  readonly cursor: string | null
}

/**
 * Looks for files without a record and for records without a file: all files first, then all records.
 * @param cursor of the page before, or null for the first
 * @param isRepair gives such files the record that they lack, and deletes such records
 */
export async function checkStorage(files: HostedFiles, cursor: string | null, isRepair: boolean): Promise<CheckedPage> {
  const { records } = files
  // Our own cursor: which of the two walks, and the key behind which it goes on.
  const [walk = 'files', after = ''] = cursor?.split(' ') ?? []
  if (walk === 'files') {
    const page = await files.list(BATCH, after || null)
    const isRecorded = await Promise.all(
      page.files.map(async ({ id, facts: { expiresAt, provisionalUntil } }) => {
        if (await records.has(expiresAt, id)) return true
        return provisionalUntil !== null && records.has(Math.min(provisionalUntil, expiresAt), id)
      }),
    )
    const lonely = page.files.filter((_, index) => !isRecorded[index])
    if (isRepair) await Promise.all(lonely.map(({ id, facts }) => records.put(facts.expiresAt, id, [])))
    return {
      filesWithoutRecord: lonely.map(({ id }) => id),
      recordsWithoutFile: [],
      looked: page.files.length,
      cursor: page.isLast ? 'records ' : `files ${page.files.at(-1)!.id}`,
    }
  }
  const page = await records.list(BATCH, after || null)
  const facts = await Promise.all(page.records.map(({ id }) => files.readFacts(id)))
  const lonely = page.records.filter((_, index) => facts[index] === null)
  if (isRepair) await records.deleteAll(lonely)
  return {
    filesWithoutRecord: [],
    recordsWithoutFile: lonely.map(({ id }) => id),
    looked: page.records.length,
    cursor: page.isLast ? null : `records ${page.records.at(-1)!.key}`,
  }
}
