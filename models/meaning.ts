/** Below this brightest value a stretched answer has no subject: what is stretched then is noise. */
const leastPeak = 0.1

type Values = Float32Array

/** Of an answer as a whole, the function that brings one of its values to 0 (ground) to 1 (subject). */
type Reader = (values: Values) => (value: number) => number

/** What a graph's values mean, and so what is to be done with them. */
const readers = {
  /** 0 is ground, 1 is subject, and no further function or stretching is wanted. */
  alpha: () => (value) => value,
  /** The sigmoid of it is alpha: the graph ends before its last function. */
  logit: () => (value) => 1 / (1 + Math.exp(-value)),
  /** Alpha once the least and the greatest value of the answer are stretched to 0 and 1, as U2-Net's authors do. */
  minmax: (values) => {
    const [least, greatest] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
    if (greatest < leastPeak || greatest === least) return () => 0
    return (value) => (value - least) / (greatest - least)
  },
} as const satisfies Readonly<Record<string, Reader>>

export type Meaning = keyof typeof readers

export const meanings = Object.keys(readers) as readonly Meaning[]

export const isMeaning = (text: string): text is Meaning => Object.hasOwn(readers, text)

/** A graph's answer as 8-bit alpha, value by value, rounded to the nearest; what is no number is ground. */
export function readAlpha(values: Values, meaning: Meaning): Uint8Array {
  const read: (value: number) => number = readers[meaning](values)
  // Clamped arrays round and clamp by themselves, faster than `from` and a function do.
  const alpha = new Uint8ClampedArray(values.length)
  for (let i = 0; i < values.length; i += 1) alpha[i] = read(values[i]!) * 255
  return new Uint8Array(alpha.buffer)
}
