/** One line of a table of figures: column name to value. Every row of a table has the same columns. */
export type Row = Readonly<Record<string, string | number>>

/** A measurement that `npm run bench` can make by itself. */
export interface Bench {
  /** What the command line filters by. */
  readonly name: string
  /** What is measured and how, in a sentence or two; stands above the table. */
  readonly about: string
  /** Measures. Rejects if what is measured does not work; never because a figure is bad. */
  run(): Promise<Row[]>
}

/** Rows as a Markdown table. */
export function formatTable(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [
    line(columns),
    `|${columns.map(() => '---|').join('')}`,
    ...rows.map((row) => line(columns.map((column) => row[column] ?? ''))),
  ].join('\n')
}

/** The middle one of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** A number with so many decimals. */
export const round = (value: number, decimals = 1): number => Number(value.toFixed(decimals))
