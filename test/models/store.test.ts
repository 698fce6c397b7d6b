import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { beforeEach, describe, expect, it } from 'vitest'

const python = ['/usr/bin/python3', 'python3'].find((name) => spawnSync(name, ['-c', 'import numpy, PIL']).status === 0)

let cache: string
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'pixtoll-store-'))
  return () => rmSync(cache, { recursive: true })
})

async function put(path: string, picture: Sharp): Promise<void> {
  mkdirSync(dirname(join(cache, path)), { recursive: true })
  await picture.toFile(join(cache, path))
}
/** What Python prints, as JSON, of the modules of training. */
function ask(line: string): unknown {
  const start = "import json, os, sys; sys.path.insert(0, 'models/train'); cache = sys.argv[1]; from store import *"
  const code = `${start}; ${line}`
  return JSON.parse(execFileSync(python!, ['-B', '-c', code, cache], { encoding: 'utf8' }).trim().split('\n').at(-1)!)
}
const pack = () => ask('print(json.dumps(pack(cache, os.path.join(cache, "pack"))))')

// Training is done by hand, in Python: where it has not what it takes, nothing is trained either.
describe.skipIf(!python)('the store of training data', () => {
  const photo = () => sharp('test/fixtures/photos/lantern.jpg').resize(320)
  const other = () => sharp('test/fixtures/photos/tower.jpg').resize(320)
  async function putAll(source: string, open: () => Sharp): Promise<void> {
    const { width, height } = (await open().toBuffer({ resolveWithObject: true })).info
    const box = { left: 60, top: 40, width: 160, height: 120 }
    const matte = sharp({ create: { width, height, channels: 3, background: '#000' } })
    await put(
      `pairs/${source}/a.png`,
      matte
        .composite([{ input: { create: { ...box, channels: 3, background: '#fff' } }, ...box }])
        .toColourspace('b-w'),
    )
    await put(`pairs/${source}/a.jpg`, open())
    await put(
      `cutouts/${source}/a.png`,
      sharp(await open().toBuffer())
        .extract(box)
        .ensureAlpha(),
    )
    await put(`grounds/${source}/a.jpg`, sharp(await open().toBuffer()).extract(box))
  }

  it('takes nothing of an evaluation photograph, whatever it is called: no pair, no cut-out, no ground', async () => {
    await put('eval/u2net/one.jpg', photo())
    await putAll('mine', photo)
    await put('grounds/whole/b.jpg', photo())
    expect(pack()).toEqual({ pairs: 0, cutouts: 0, grounds: 0 })
    await putAll('others', other)
    expect(pack()).toEqual({ pairs: 1, cutouts: 2, grounds: 1 })
  })

  it('holds all crops of a photograph out, or none, and lays no part of a pair out as a ground', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(16, '0'))
    const held = ask(
      `print(json.dumps([[held_out('grounds', 's', f'{p}-{i}') for i in range(12)] for p in ${JSON.stringify(ids)}]))`,
    ) as boolean[][]
    expect(new Set(held.map((crops) => new Set(crops).size))).toEqual(new Set([1]))
    const chosen = ids.filter((_, i) => held[i]![0])
    expect(chosen.length).toBeGreaterThan(1)
    const [one, two] = chosen as [string, string]
    await put(`eval/empty/s-${two}-0.jpg`, photo())
    await put(`grounds/s/${one}-0.jpg`, photo())
    await put(`grounds/s/${two}.jpg`, photo())
    await put(`pairs/t/${two}.jpg`, photo())
    const laidOut = 'from evalsets import empty; empty(cache + "/grounds", cache + "/eval/empty")'
    const list = `${laidOut}; print(json.dumps(os.listdir(cache + "/eval/empty")))`
    expect(ask(list)).toEqual([`s-${one}-0.jpg`])
  })

  it('knows frames of the evaluation’s sequences by their names, as DAVIS and as the fixtures have them', () => {
    const files = [
      ['pairs', 'cows', '00033'],
      ['cutouts', 'scooter-black', '00000'],
      ['grounds', 'blackswan', '00001'],
      ['pairs', 'eval', 'dance-twirl-00013'],
      ['pairs', 'dog', '00033'],
      ['pairs', 'cows', 'on-the-meadow'],
    ]
    const held = ask(`print(json.dumps([bool(held_out(*f)) for f in json.loads('${JSON.stringify(files)}')]))`)
    expect(held).toEqual([true, true, true, true, false, false])
  })
})
