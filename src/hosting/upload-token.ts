import type { HostedFile } from './hosted-file.ts'

/** How long an upload token is good for. */
export const TOKEN_LIFE_MS = 10 * 60 * 1000

/** Hexadecimal digits of a token that name its object; the rest is its secret. */
const NAME_LENGTH = 20
export const tokenPattern: RegExp = /^[0-9a-f]{40}$/

/** A token in its two halves: 80 random bits each. */
export const splitToken = (token: string): { name: string; secret: string } => ({
  name: token.slice(0, NAME_LENGTH),
  secret: token.slice(NAME_LENGTH),
})

/** What a right to one upload has bought, or how it may be used. */
export type TokenState =
  | { readonly kind: 'unspent'; readonly secret: string; readonly expiresAt: number }
  | { readonly kind: 'spent'; readonly upload: string; readonly file: HostedFile }

/** What came of an attempt to use it. `spent`: for which upload; the file is that of the first who used it. */
export type Spending = Extract<TokenState, { kind: 'spent' }> | { readonly kind: 'unknown' | 'expired' }

/** Who uses it: the bearer of its secret, since when (ms); or whoever has proven to have paid for it. */
export type Spender = { readonly secret: string; readonly since: number } | 'payer'

/**
 * A right to one upload, as its callers see its object over RPC. Whoever pays for one gets an object of their own,
 * whether they ask for a token or send the image with the payment.
 */
export interface UploadTokenClient {
  /** The token, or what it was spent on. One that died unspent is replaced. For the proven payer. */
  issue(): Promise<TokenState>
  /** How it stands for a spender, without using it. `unspent`: it may be used. */
  look(spender: Spender): Promise<Spending | { readonly kind: 'unspent' }>
  /**
   * Uses it for an upload that is stored. It is used once: whoever comes later hears of the first.
   * @param upload identifies image and options
   */
  spend(spender: Spender, upload: string, file: HostedFile): Promise<Spending>
}

/** Opens the right of a name. */
export type OpenUploadToken = (name: string) => UploadTokenClient
