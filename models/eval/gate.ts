import type { Summary } from './evaluate.ts'

/** What a figure of the default model was when it was last measured, and what it may not pass. */
export interface Bound {
  readonly measured: number
  /** The least that it may be, or the most, for errors. */
  readonly bound: number
}

type Figure = Exclude<keyof Summary, 'pictures'>

/** Figures of which less is better. */
export const errorFigures: readonly Figure[] = ['mae', 'sad', 'gradient']

/**
 * The default model on the sets that ship: `npm run models -- eval`. Bounds lie a little beside what was measured, so
 * that another processor's rounding passes and a worse model does not. A better one is worth new numbers in both
 * columns.
 */
export const gate: Readonly<Record<string, Readonly<Partial<Record<Figure, Bound>>>>> = {
  davis: {
    iou: { measured: 0.802, bound: 0.79 },
    mae: { measured: 0.0299, bound: 0.0315 },
    maxF: { measured: 0.903, bound: 0.893 },
    structure: { measured: 0.908, bound: 0.898 },
    boundaryIou: { measured: 0.624, bound: 0.61 },
  },
  composites: {
    iou: { measured: 0.709, bound: 0.697 },
    mae: { measured: 0.0533, bound: 0.054 },
    maxF: { measured: 0.782, bound: 0.77 },
    structure: { measured: 0.834, bound: 0.824 },
    boundaryIou: { measured: 0.589, bound: 0.575 },
    sad: { measured: 22.39, bound: 22.8 },
    gradient: { measured: 14.96, bound: 15.6 },
  },
}

/** Sentences for the figures of a set that are worse than they may be; none means that it passes. */
export function findRegressions(set: string, summary: Summary): string[] {
  return Object.entries(gate[set] ?? {}).flatMap(([name, { measured, bound }]) => {
    const figure = name as Figure
    const value = summary[figure]
    const isError = errorFigures.includes(figure)
    if (value !== null && (isError ? value <= bound : value >= bound)) return []
    const limit = isError ? 'at most' : 'at least'
    return [`${set}: ${figure} is ${value?.toFixed(4) ?? 'none'}; it was ${measured}, and must be ${limit} ${bound}`]
  })
}
