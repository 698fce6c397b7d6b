/** A price in US dollars as decimal text, so that no float ever touches money. Validated: digits, at most six decimals. */
export type Price = `${number}`

const DECIMALS = 6

/** Millionths of a dollar. */
const toUnits = (price: string): bigint => {
  const [whole = '', fraction = ''] = price.split('.')
  return BigInt(whole + fraction.padEnd(DECIMALS, '0'))
}

function fromUnits(amount: bigint): Price {
  const units = String(amount).padStart(DECIMALS + 1, '0')
  const fraction = units.slice(-DECIMALS).replace(/0+$/, '')
  return `${units.slice(0, -DECIMALS)}${fraction && `.${fraction}`}` as Price
}

/** The sum of two prices, exactly. */
export const addPrices = (a: string, b: string): Price => fromUnits(toUnits(a) + toUnits(b))

/** A price so many times, exactly. */
export const multiplyPrice = (price: string, times: number): Price => fromUnits(toUnits(price) * BigInt(times))

/** Whether one price is below another. */
export const isLess = (a: string, b: string): boolean => toUnits(a) < toUnits(b)
