import sharp from 'sharp'
import { orient } from '../../workers/matte/picture.ts'
import { drawings } from './drawings.ts'
import type { Example, ExampleSet } from './examples.ts'
import { locateFixture } from './fixtures.ts'
import { readPlane } from './plane.ts'

const [width, height] = [854, 480]
const shape = { width, height }
const pixels = width * height

/** What is put on a ground: its colours, RGB, and its alpha, both `width * height`. */
interface Subject {
  readonly colours: Uint8Array
  readonly alpha: Uint8Array
}

/**
 * A frame of `test/fixtures/eval`, cut out by its mask. The edge becomes soft inside the mask, so that no colour of the
 * old ground is in it.
 */
async function cutFrame(name: string): Promise<Subject> {
  const frame = sharp(locateFixture(`eval/${name}.jpg`)).resize({ ...shape, fit: 'fill' })
  const mask = sharp(locateFixture(`eval/${name}.png`))
    .toColourspace('b-w')
    .extractChannel(0)
  const blurred = await mask
    .resize({ ...shape, fit: 'fill' })
    .blur(2)
    .raw()
    .toBuffer()
  return {
    colours: await frame.removeAlpha().raw().toBuffer(),
    alpha: new Uint8Array(blurred).map((value) => Math.max(0, value - 128) * 2),
  }
}

/** A drawing, with the alpha that it was drawn with. */
async function draw(name: keyof typeof drawings): Promise<Subject> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${drawings[name]}</svg>`
  const data = await sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer()
  const colours = new Uint8Array(pixels * 3)
  for (let i = 0; i < pixels; i += 1) colours.set(data.subarray(i * 4, i * 4 + 3), i * 3)
  return { colours, alpha: Uint8Array.from({ length: pixels }, (_, i) => data[i * 4 + 3]!) }
}

/** Grounds without a subject: a landscape, and photographs so far out of focus that nothing in them is one. */
const grounds = {
  landscape: () => sharp(locateFixture('photos/landscape.jpg')).resize({ ...shape, fit: 'cover' }),
  'mirrored landscape': () =>
    sharp(locateFixture('photos/landscape.jpg'))
      .resize({ ...shape, fit: 'cover' })
      .flop(),
  'blurred tower': () =>
    sharp(locateFixture('photos/tower.jpg'))
      .resize({ ...shape, fit: 'cover' })
      .blur(24),
  'blurred lantern': () =>
    sharp(locateFixture('photos/lantern.jpg'))
      .resize({ ...shape, fit: 'cover' })
      .blur(30),
} as const

type Ground = keyof typeof grounds

const createExample = (name: string, subject: () => Promise<Subject>, ground: Ground): Example => ({
  name: `${name} on ${ground}`,
  async open() {
    const { colours, alpha } = await subject()
    const back = await grounds[ground]().removeAlpha().raw().toBuffer()
    const mixed = new Uint8Array(pixels * 4).fill(255)
    for (let i = 0; i < pixels; i += 1) {
      const share = alpha[i]! / 255
      for (let c = 0; c < 3; c += 1) {
        mixed[i * 4 + c] = Math.round(colours[i * 3 + c]! * share + back[i * 3 + c]! * (1 - share))
      }
    }
    const picture = orient({ pixels: mixed, ...shape, hasAlpha: false }, 1)
    return { picture, truth: readPlane(alpha, width, height) }
  },
})

const frames = ['blackswan-00025', 'cows-00052', 'dance-twirl-00045', 'scooter-black-00021'] as const
/** Each cut-out frame on a ground that is sharp, and on one that is not. */
const frameGrounds: readonly (readonly [Ground, Ground])[] = [
  ['landscape', 'blurred lantern'],
  ['mirrored landscape', 'blurred tower'],
  ['landscape', 'blurred tower'],
  ['mirrored landscape', 'blurred lantern'],
]
const drawn = {
  fur: 'blurred tower',
  ring: 'landscape',
  plant: 'blurred lantern',
  veil: 'mirrored landscape',
} as const satisfies Record<keyof typeof drawings, Ground>

/** Pictures whose alpha is known to the last bit, made of the fixtures and of drawings, the same each time. */
export const composites: ExampleSet = {
  name: 'composites',
  examples: [
    ...frames.flatMap((name, i) => frameGrounds[i]!.map((ground) => createExample(name, () => cutFrame(name), ground))),
    ...Object.entries(drawn).map(([name, ground]) =>
      createExample(name, () => draw(name as keyof typeof drawings), ground),
    ),
  ],
}
