import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import type { Picture } from '../../workers/matte/picture.ts'
import type { Shown } from './evaluate.ts'
import { formatFigures } from './figures.ts'
import type { AlphaPlane } from './plane.ts'

const cell = { width: 240, height: 180 }
const caption = 20
const green = '#00b140'
/** How many of the worst and of the best are drawn into the PNG. */
const shownEach = 10

/** One picture on a sheet: its cells are files in `pictures/`. */
interface Row {
  readonly title: string
  /** Of the model that was named first. */
  readonly iou: number
  readonly cells: readonly { readonly file: string; readonly caption: string }[]
}

/** As text of HTML and of XML, which takes no sign of control, and of Unicode whole characters alone. */
const escapeHtml = (text: string): string =>
  text
    .toWellFormed()
    .replace(/(?![\t\n\r])[\p{Cc}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

const openPixels = ({ pixels, width, height }: Pick<Picture, 'pixels' | 'width' | 'height'>): Sharp =>
  sharp(pixels, { raw: { width, height, channels: 4 } })

const openPlane = ({ values, width, height }: AlphaPlane): Sharp => {
  const bytes = new Uint8ClampedArray(values.length)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = values[i]! * 255
  return sharp(bytes, { raw: { width, height, channels: 1 } })
}

const shrink = (picture: Sharp): Promise<Buffer> =>
  picture
    .resize({ ...cell, fit: 'inside' })
    .jpeg({ quality: 85 })
    .toBuffer()

/** What models made of each picture, as files to look at. One picture lies in memory at a time. */
export class Sheet {
  readonly #folder: string
  readonly #rows: Row[] = []
  readonly #results: Shown['result'][] = []

  /** @param folder is made; what is in it of the same name is replaced */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Adds what all models made of one picture, in their order. */
  async add(shown: readonly Shown[]): Promise<void> {
    const [first] = shown
    if (!first) return
    const { picture, truth, result } = first
    const cells: { picture: Sharp; caption: string }[] = [
      { picture: openPixels(picture).flatten({ background: '#fff' }), caption: result.name },
      { picture: openPlane(truth), caption: 'truth' },
    ]
    for (const { cutOut, result } of shown) {
      const seen = openPixels({ ...picture, pixels: cutOut as Picture['pixels'] })
      cells.push(
        { picture: seen.clone().extractChannel(3), caption: `${result.model} ${result.iou.toFixed(2)}` },
        { picture: seen.flatten({ background: green }), caption: 'on green' },
      )
    }
    await mkdir(join(this.#folder, 'pictures'), { recursive: true })
    const stem = `${this.#rows.length}-${result.name.replaceAll(/\W+/g, '-')}`
    const files = cells.map(({ caption }, i) => ({ file: `pictures/${stem}-${i}.jpg`, caption }))
    for (const [i, { picture }] of cells.entries()) {
      await writeFile(join(this.#folder, files[i]!.file), await shrink(picture))
    }
    this.#results.push(...shown.map((one) => one.result))
    this.#rows.push({ title: `${result.set}: ${result.name}`, iou: result.iou, cells: files })
  }

  /** Writes `index.html` with all pictures and `sheet.png` with the ten worst and the ten best; answers their paths. */
  async finish(): Promise<{ readonly page: string; readonly sheet: string }> {
    const rows = this.#rows.toSorted((one, other) => one.iou - other.iou)
    const [page, sheet] = ['index.html', 'sheet.png'].map((name) => join(this.#folder, name)) as [string, string]
    await writeFile(page, this.#describe(rows))
    const extremes = rows.length > 2 * shownEach ? [...rows.slice(0, shownEach), ...rows.slice(-shownEach)] : rows
    await writeFile(sheet, await this.#draw(extremes))
    return { page, sheet }
  }

  #describe(rows: readonly Row[]): string {
    const figure = ({ file, caption }: Row['cells'][number]) =>
      `<figure><img src="${file}" alt="" loading="lazy">` + `<figcaption>${escapeHtml(caption)}</figcaption></figure>`
    const parts = rows.map(
      ({ title, cells }) => `<h2>${escapeHtml(title)}</h2><div>${cells.map(figure).join('')}</div>`,
    )
    return (
      '<!doctype html><meta charset="utf-8"><title>Mattes, the worst first</title>' +
      '<style>body{font:14px sans-serif;background:#222;color:#eee}div{display:flex;flex-wrap:wrap}' +
      `figure{margin:2px;width:${cell.width}px}h2{font-size:14px}</style>` +
      `<pre>${escapeHtml(formatFigures(this.#results))}</pre>${parts.join('\n')}\n`
    )
  }

  #draw(rows: readonly Row[]): Promise<Buffer> {
    const columns = Math.max(1, ...rows.map(({ cells }) => cells.length))
    const overlays = rows.flatMap(({ cells }, y) =>
      cells.flatMap(({ file, caption: text }, x) => {
        const place = { left: x * cell.width, top: y * (cell.height + caption) }
        const label = `<svg width="${cell.width}" height="${caption}"><text x="4" y="14" font-size="12" fill="#eee">${escapeHtml(text)}</text></svg>`
        return [
          { input: Buffer.from(label), ...place },
          { input: join(this.#folder, file), left: place.left, top: place.top + caption },
        ]
      }),
    )
    const size = { width: columns * cell.width, height: Math.max(1, rows.length) * (cell.height + caption) }
    return sharp({ create: { ...size, channels: 3, background: '#222' } })
      .composite(overlays)
      .png()
      .toBuffer()
  }
}
