import type { CheckedPage } from '../src/hosting/sweep.ts'
import { call, callPages, type Deployment } from './deployment.ts'

interface Taken {
  readonly takenDown: readonly string[]
  readonly hashes: readonly string[]
  readonly cursor: string | null
}

/** Takes a file and all others of the same content down, or content by its SHA-256, and prints which they were. */
export async function takeDown(deployment: Deployment, [target = '']: readonly string[]): Promise<void> {
  const isHash = /^[\da-f]{64}$/i.test(target)
  const first = isHash ? null : await call<Taken>(deployment, 'POST', '/admin/takedown', { target })
  const taken = [...(first?.takenDown ?? [])]
  const hashes = first ? first.hashes : [target.toLowerCase()]
  for (const hash of hashes) {
    const pages = callPages<Taken>(deployment, 'POST', '/admin/takedown', { target: hash })
    for await (const page of pages) taken.push(...page.takenDown)
  }
  for (const id of taken) console.log(`taken down  ${id}`)
  for (const hash of hashes) console.log(`blocked     ${hash}`)
  if (taken.length === 0) console.log('No file more was taken down.')
}

/** Prints files without a record, and records and variants without a file; with `--repair` mends all of it. */
export async function checkFiles(deployment: Deployment, options: readonly string[]): Promise<void> {
  const isRepair = options.includes('--repair')
  const found = { files: 0, records: 0, variants: 0, looked: 0 }
  const query = { repair: String(isRepair) }
  for await (const page of callPages<CheckedPage>(deployment, 'POST', '/admin/check-storage', query)) {
    for (const id of page.filesWithoutRecord) console.log(`file without record  ${id}`)
    for (const id of page.recordsWithoutFile) console.log(`record without file  ${id}`)
    for (const id of page.variantsWithoutFile) console.log(`variants without file  ${id}`)
    found.files += page.filesWithoutRecord.length
    found.records += page.recordsWithoutFile.length
    found.variants += page.variantsWithoutFile.length
    found.looked += page.looked
  }
  const isSound = found.files + found.records + found.variants === 0
  const end = isSound ? 'All fit together.' : isRepair ? 'Mended.' : 'Mend them with --repair.'
  const { looked, files, records, variants } = found
  const sum = `${looked} looked at: ${files} files without record, ${records} records and ${variants} files' variants without file.`
  console.log(`${sum} ${end}`)
}
