import { ApiError } from '../errors.ts'
import type { HostedFiles } from './files.ts'
import type { HostedFile } from './hosted-file.ts'
import type { UploadedImage } from './read-image.ts'
import type { Spender, UploadTokenClient } from './upload-token.ts'

/** What a right has bought for this upload, or why it may not. `taken`: it was spent on another one. */
export type Use =
  | { readonly kind: 'hosted'; readonly file: HostedFile; readonly isReplay: boolean }
  | { readonly kind: 'unknown' | 'expired' | 'taken' }

const failToAsk = (cause: unknown): never => {
  throw new ApiError('upload_failed', { cause })
}

/**
 * Hosts an image and spends a right on it, once: of several who try at the same time the first wins, and the same image
 * again is the same upload. Whatever fails uses nothing up.
 * @param stored the file, where this upload was stored before
 * @throws ApiError `upload_failed`, `unavailable_for_legal_reasons`
 */
export async function useToken(
  token: UploadTokenClient,
  spender: Spender,
  { upload, file }: UploadedImage,
  files: HostedFiles,
  stored?: HostedFile,
): Promise<Use> {
  let found = await token.look(spender).catch(failToAsk)
  let own: HostedFile | undefined
  if (found.kind === 'unspent') {
    // Before the right is spent: what may not be hosted, or is gone since, must not use it up.
    const isGood = stored && (await files.isAllowed(stored))
    own = isGood ? stored : await files.add({ ...file, isProvisional: true })
    found = await token.spend(spender, upload, own).catch(failToAsk)
  }
  const isOwn = found.kind === 'spent' && found.file.id === own?.id
  // Provisional, and nobody was told of it: if this fails, the sweep deletes it.
  if (own && !isOwn) await files.delete(own.id).catch(() => {})
  if (found.kind !== 'spent') return found
  if (found.upload !== upload) return { kind: 'taken' }
  await files.confirm(found.file)
  return { kind: 'hosted', file: found.file, isReplay: !isOwn }
}
