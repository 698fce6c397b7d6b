import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

/** What `npm run models -- …` says, and its exit status. */
function run(...parameters: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['models/cli.ts', ...parameters], { encoding: 'utf8' })
  return { status, text: stdout + stderr }
}

describe('npm run models --', () => {
  it('list: every model with its licence, what it takes, and how it is pulled', () => {
    const { status, text } = run('list')
    expect(status).toBe(0)
    expect(text).toMatch(/^starter-320 {2}starter\.onnx, 2,864,945 bytes, MIT, 320 px$/m)
    expect(text).toMatch(/^u2netp-320 \(container, 500 MiB\) is /m)
    expect(text).toMatch(/^rmbg2-1024 .*Not for a service that takes money\.$/m)
  })

  it.each([
    ['nothing', /There is no "nothing" to pull; there is isnet-1024, u2netp-320/],
    ['rmbg2', /non-commercial use alone/],
    ['modnet', /Nobody has published a sum/],
  ])('pull %s: refused, without asking anybody, with exit status 1', (name, message) => {
    const { status, text } = run('pull', name)
    expect([status, text]).toEqual([1, expect.stringMatching(message)])
  })

  it('eval: a table of the models on the sets', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pixtoll-eval-cli-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { status, text } = run('eval', '--data', 'test/fixtures/eval', '--limit', '1', '--sheet', folder)
    expect(status).toBe(0)
    expect(text).toMatch(/^\| eval +\| edge-352 +\| 1 /m)
    expect(text).toContain(join(folder, 'sheet.png'))
  })

  it.each([
    [['eval', '--model', 'no-such'], /There is no model "no-such"/],
    [['eval', '--model', 'test/fixtures/no-model.onnx'], /no-model\.onnx is no model that can be read: /],
    [['eval', '--data', 'docs'], /No pairs of a photograph and a mask lie in docs/],
    [['eval', '--limit', 'few'], /--limit must be a whole number/],
    [['eval', '--refine', 'much'], /--refine may be none or decontaminate/],
    [['eval', '--model', 'models/starter.onnx', '--meaning', 'x'], /--meaning may be alpha or logit or minmax/],
    [['eval', '--most-doubt', 'x'], /--most-doubt must be a number from 0 to 1/],
    [['eval', '--data', 'no-such-folder'], /no such file or directory.*no-such-folder/],
    [['eval', '--modle', 'starter'], /Unknown option '--modle'/],
    [['pull', 'u2netp', '--non-comercial'], /Unknown option '--non-comercial'/],
    [['bench', 'modnet'], /not here yet: npm run models -- pull modnet-512/],
  ])('%j: refused in one line, with exit status 1', (parameters, message) => {
    const { status, text } = run(...parameters)
    expect([status, text.trim().split('\n').length, text]).toEqual([1, 1, expect.stringMatching(message)])
  })

  it('eval tells files apart that have the same name, and folders too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pixtoll-eval-names-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const places = ['one', 'two'].map((name) => join(folder, name, 'same'))
    for (const place of places) {
      mkdirSync(place, { recursive: true })
      copyFileSync('models/starter.onnx', join(place, 'best.onnx'))
      for (const end of ['jpg', 'png']) copyFileSync(`test/fixtures/eval/cows-00015.${end}`, join(place, `cows.${end}`))
    }
    const models = places.flatMap((place) => ['--model', join(place, 'best.onnx')])
    const { text } = run('eval', ...models, ...places.flatMap((place) => ['--data', place]))
    const rows = text.split('\n').filter((line) => /^\| \//.test(line))
    const cells = rows.map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, 4),
    )
    const pairs = places.flatMap((set) => places.map((place) => [set, join(place, 'best.onnx'), '1']))
    expect(cells).toEqual(pairs)
  })

  it('eval names a model once that is asked for twice', () => {
    const { text } = run(
      'eval',
      '--model',
      'edge',
      '--model',
      'edge-352',
      '--data',
      'test/fixtures/eval',
      '--limit',
      '1',
    )
    expect(text.match(/^\| eval .*/gm)).toEqual([expect.stringMatching(/\| edge-352 +\| 1 /)])
  })

  it('bench: what a model takes', () => {
    const { status, text } = run('bench', 'starter')
    expect([status, text]).toEqual([
      0,
      expect.stringMatching(/^starter-320: loaded in \d.*; \d.* a picture .*; \d+ MiB at its peak$/m),
    ])
  })

  it('eval-sets without a clone: says which repositories it wants', () => {
    const { status, text } = run('eval-sets', '--out', 'nowhere')
    expect([status, text]).toEqual([1, expect.stringMatching(/--ccp-100 CLONE .*clothing-co-parsing/)])
  })
})
