import { DurableObject } from 'cloudflare:workers'
import { Buffer } from 'node:buffer'
import { now } from '../clock.ts'
import type { HostedFile } from './hosted-file.ts'
import { type Spender, type Spending, TOKEN_LIFE_MS, type TokenState } from './upload-token.ts'

/** Longer than the payment that bought it can be shown again. */
const LIFE_MS = 25 * 60 * 60 * 1000
const ROW = 'row'

/** A payer may spend a right that never was a token: `secret` is null then. */
interface Row {
  readonly secret: string | null
  /** When the token dies; milliseconds since the epoch. */
  readonly expiresAt: number
  readonly spent: { readonly upload: string; readonly file: HostedFile } | null
}

/** A right to one upload: the one place where all who may use it meet. Who has none has no storage. */
export class UploadToken extends DurableObject {
  get #row(): Row | undefined {
    return this.ctx.storage.kv.get<Row>(ROW)
  }

  #write(row: Row): void {
    this.ctx.storage.kv.put(ROW, row)
    void this.ctx.storage.setAlarm(now() + LIFE_MS)
  }

  /** @see UploadTokenClient.issue */
  issue(): TokenState {
    const row = this.#row
    if (row?.spent) return { kind: 'spent', ...row.spent }
    if (row?.secret && row.expiresAt > now()) return { kind: 'unspent', secret: row.secret, expiresAt: row.expiresAt }
    const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(10))).toString('hex')
    const expiresAt = now() + TOKEN_LIFE_MS
    this.#write({ secret, expiresAt, spent: null })
    return { kind: 'unspent', secret, expiresAt }
  }

  /** @see UploadTokenClient.look */
  look(spender: Spender): Spending | { readonly kind: 'unspent' } {
    const row = this.#row
    if (spender !== 'payer') {
      if (!row?.secret || !isSame(row.secret, spender.secret)) return { kind: 'unknown' }
      if (!row.spent && row.expiresAt <= spender.since) return { kind: 'expired' }
    }
    return row?.spent ? { kind: 'spent', ...row.spent } : { kind: 'unspent' }
  }

  /** @see UploadTokenClient.spend */
  spend(spender: Spender, upload: string, file: HostedFile): Spending {
    const found = this.look(spender)
    if (found.kind !== 'unspent') return found
    const spent = { upload, file }
    this.#write({ secret: null, expiresAt: 0, ...this.#row, spent })
    return { kind: 'spent', ...spent }
  }

  /** Forgets all of it: nobody can ask any more. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll()
  }
}

const isSame = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right)
}
