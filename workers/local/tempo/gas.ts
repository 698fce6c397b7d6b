/** Price of a unit of gas in units of 10^-18 dollars. */
export const BASE_FEE = 20_000_000_000n

const TRANSACTION_GAS = 34_000n
const CALL_GAS = 10_000n
const UNITS_OF_PRICE_PER_TOKEN_UNIT = 10n ** 12n

/** What a transfer uses on top of the intrinsic gas. */
export const TRANSFER_GAS = 30_000n

/** The least gas limit of a transaction with so many calls. */
export const computeIntrinsicGas = (calls: number): bigint => TRANSACTION_GAS + BigInt(calls) * CALL_GAS

/** What gas costs in units of the fee token, rounded up. */
export const computeFee = (gas: bigint, price: bigint): bigint =>
  (gas * price + UNITS_OF_PRICE_PER_TOKEN_UNIT - 1n) / UNITS_OF_PRICE_PER_TOKEN_UNIT
