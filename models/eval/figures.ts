import { type Result, type Summary, summarize } from './evaluate.ts'

/** The columns of the table of figures, in order. */
const columns: readonly { readonly title: string; show(summary: Summary): string }[] = [
  { title: 'pictures', show: ({ pictures }) => String(pictures) },
  { title: 'IoU', show: ({ iou }) => iou.toFixed(3) },
  { title: 'MAE', show: ({ mae }) => mae.toFixed(4) },
  { title: 'max F', show: ({ maxF }) => maxF?.toFixed(3) ?? '' },
  { title: 'S', show: ({ structure }) => structure.toFixed(3) },
  { title: 'boundary IoU', show: ({ boundaryIou }) => boundaryIou.toFixed(3) },
  { title: 'SAD', show: ({ sad }) => sad?.toFixed(2) ?? '' },
  { title: 'gradient', show: ({ gradient }) => gradient?.toFixed(2) ?? '' },
]

/** Results by set and model in the order in which they come, and of all sets together where there are several. */
export function groupResults(results: readonly Result[]): { set: string; model: string; summary: Summary }[] {
  const models = [...new Set(results.map(({ model }) => model))]
  const sets = [...Map.groupBy(results, ({ set }) => set)]
  const all: [string, readonly Result[]][] = sets.length > 1 ? [...sets, ['all', results]] : sets
  return all.flatMap(([set, own]) =>
    models.map((model) => ({ set, model, summary: summarize(own.filter((result) => result.model === model)) })),
  )
}

/** The figures as a Markdown table: a row for each set and model. */
export function formatFigures(results: readonly Result[]): string {
  const header = ['set', 'model', ...columns.map(({ title }) => title)]
  const rows = groupResults(results).map(({ set, model, summary }) => [
    set,
    model,
    ...columns.map(({ show }) => show(summary)),
  ])
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(header), rule, ...rows.map(line)].join('\n')
}
