import { type Address, type Hex, isAddress, isHex } from 'viem'
import { z } from 'zod'
import { RpcFailure } from './failure.ts'

/** Any bytes as hex. */
export const bytes = z
  .custom<Hex>((value) => isHex(value) && value.length % 2 === 0, 'is no hex data')
  .transform((value) => value.toLowerCase() as Hex)

export const hash = bytes.refine((value) => value.length === 66, 'is no hash')

export const address = z
  .custom<Address>((value) => typeof value === 'string' && isAddress(value, { strict: false }), 'is no address')
  .transform((value) => value.toLowerCase() as Address)

/** A number as nodes read it; viem writes `0x` where it means nothing. */
export const quantity = z
  .custom<Hex>((value) => isHex(value) && value.length <= 66, 'is no quantity')
  .transform((value) => BigInt(value === '0x' ? 0 : value))

/** A block by its number or by a name. */
export const blockTag = z.union([z.enum(['latest', 'pending', 'safe', 'finalized', 'earliest']), quantity])

export type BlockTag = z.infer<typeof blockTag>

/** Reads the parameters of a call; an `RpcFailure` says what is wrong with them. */
export function readParams<Params>(schema: z.ZodType<Params>, params: readonly unknown[]): Params {
  const parsed = schema.safeParse(params)
  if (parsed.success) return parsed.data
  throw new RpcFailure(-32602, `invalid params: ${z.prettifyError(parsed.error)}`)
}
