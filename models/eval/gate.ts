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
    iou: { measured: 0.432, bound: 0.42 },
    mae: { measured: 0.1315, bound: 0.136 },
    maxF: { measured: 0.684, bound: 0.67 },
    structure: { measured: 0.705, bound: 0.695 },
    boundaryIou: { measured: 0.247, bound: 0.235 },
  },
  composites: {
    iou: { measured: 0.623, bound: 0.61 },
    mae: { measured: 0.0786, bound: 0.082 },
    maxF: { measured: 0.727, bound: 0.715 },
    structure: { measured: 0.781, bound: 0.77 },
    boundaryIou: { measured: 0.429, bound: 0.415 },
    sad: { measured: 32.5, bound: 34 },
    gradient: { measured: 21.4, bound: 22.3 },
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
