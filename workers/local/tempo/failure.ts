import { type ContractErrorName, encodeErrorResult, type Hex } from 'viem'
import { Abis } from 'viem/tempo'

/** A JSON-RPC error, with its code. */
export class RpcFailure extends Error {
  override name = 'RpcFailure'
  readonly code: number
  readonly data: Hex | undefined

  constructor(code: number, message: string, data?: Hex) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** The node refuses the transaction or the call. */
export const refuse = (reason: string): RpcFailure => new RpcFailure(-32000, reason)

/** Real chains may do this; the dev chain does not, and says so instead of pretending. */
export const refuseUnmodelled = (what: string): RpcFailure => refuse(`dev chain: ${what} is not modelled`)

/** The call reverted: code 3 with the ABI-encoded error, as nodes say it. */
export class Revert extends RpcFailure {
  override name = 'Revert'

  constructor(errorName: ContractErrorName<typeof Abis.tip20>, args: readonly unknown[] = []) {
    const parameters = { abi: Abis.tip20, errorName, args } as Parameters<typeof encodeErrorResult>[0]
    super(3, `execution reverted: ${errorName}`, encodeErrorResult(parameters))
  }
}
