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
    iou: { measured: 0.712, bound: 0.7 },
    mae: { measured: 0.0441, bound: 0.046 },
    maxF: { measured: 0.845, bound: 0.835 },
    structure: { measured: 0.861, bound: 0.851 },
    boundaryIou: { measured: 0.549, bound: 0.535 },
  },
  composites: {
    iou: { measured: 0.689, bound: 0.677 },
    mae: { measured: 0.0518, bound: 0.054 },
    maxF: { measured: 0.765, bound: 0.753 },
    structure: { measured: 0.831, bound: 0.821 },
    boundaryIou: { measured: 0.55, bound: 0.536 },
    sad: { measured: 21.8, bound: 22.8 },
    gradient: { measured: 16.5, bound: 17.2 },
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
