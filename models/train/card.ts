import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Source } from './source.ts'
import { sources } from './sources.ts'

const kinds = ['pairs', 'cutouts', 'grounds'] as const

const count = (folder: string): Promise<number> =>
  readdir(folder).then(
    (names) => names.filter((name) => /\.jpg$/.test(name)).length || names.filter((name) => /\.png$/.test(name)).length,
    () => 0,
  )

const describe = ({ licence, statedIn, origin, without, heldOut }: Source): readonly string[] => {
  const left = [without?.because, heldOut].filter((reason) => reason !== undefined).join('; ')
  return [`${licence}${origin === 'mixed' ? ' (**mixed**)' : ''}`, `${statedIn}${left && `. Left out: ${left}`}`]
}

/** A Markdown table of the sources, with how much of each is in the folder of training data. */
export async function writeCard(cache: string): Promise<string> {
  const rows = sources.map(async (source) => {
    const counts = await Promise.all(kinds.map((kind) => count(join(cache, kind, source.name))))
    const link = `[${source.repository}](https://github.com/${source.repository}/tree/${source.commit})`
    return [source.name, `${link}: ${source.subject}`, ...describe(source), ...counts.map(String)]
  })
  const heads = ['source', 'what', 'licence', 'stated in', ...kinds]
  const lines = [heads, heads.map(() => '---'), ...(await Promise.all(rows))]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
