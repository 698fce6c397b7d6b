/** `npm run bench [name ...]`: makes every measurement, or those named, and prints a Markdown table for each. */
import { bundles } from './bundles.ts'
import { container } from './container.ts'
import { edges } from './edges.ts'
import { gateway } from './gateway.ts'
import { hosting } from './hosting.ts'
import { infer } from './infer.ts'
import { isnet } from './isnet.ts'
import { matte } from './matte.ts'
import { rival } from './rival.ts'
import { sheets } from './sheets.ts'
import { type Bench, formatTable } from './table.ts'

const benches: readonly Bench[] = [gateway, hosting, infer, matte, edges, sheets, container, isnet, rival, bundles]

const names = process.argv.slice(2)
const unknown = names.find((name) => !benches.some((bench) => bench.name === name))
if (unknown) {
  console.error(`There is no bench "${unknown}"; there are ${benches.map(({ name }) => name).join(', ')}.`)
  process.exit(1)
}
for (const { name, about, run } of benches.filter((bench) => names.length === 0 || names.includes(bench.name))) {
  console.log(`\n## ${name}\n${about}\n`)
  console.log(formatTable(await run()))
}
