import { describe, expect, it, test } from 'vitest'
import { createScene } from '../../workers/preview/scene.ts'
import { findFirst, places, splitWords, subjects } from '../../workers/preview/words.ts'

const words = subjects.flatMap((row) => row.words.split(' '))

describe('the words', () => {
  it('of subjects stand once each, as they are compared', () => {
    expect(words.filter((word, i) => words.indexOf(word) !== i)).toEqual([])
    expect(words.filter((word) => splitWords(word).join() !== word)).toEqual([])
  })

  it.each([
    ['Two APPLES, please!', 'apple'],
    ['des bouteilles', 'bottle'],
    ['un vélo bleu', 'bicycle'],
    ['dos niños', 'person'],
    ['foxes', 'fox'],
    ['an astronaut riding a bicycle', 'person'],
  ])('%j is about %s', (prompt, word) => {
    expect(findFirst(subjects, splitWords(prompt))?.row.words.split(' ')).toContain(word)
  })

  it('are taken as they stand before they are taken for a plural', () => {
    expect(findFirst(places, ['mars'])?.row.place).toBe('space')
    expect(findFirst(places, ['mar'])?.row.place).toBe('sea')
  })
})

describe('a scene', () => {
  it.each([
    ['an apple', 1],
    ['two apples', 2],
    ['three cats in the snow', 3],
    ['several lamps', 4],
    ['quantum jazz', 1],
    ['', 1],
    ['狐狸', 1],
  ])('of %j has %d to look at', async (prompt, count) => {
    const { figures } = await createScene(prompt)
    expect(figures.length).toBe(count)
    for (const { parts } of figures) expect(parts.length).toBeGreaterThan(2)
  })

  it.each([
    ['a fox', 'field', null],
    ['a fox in the snow', 'snow', 'snow'],
    ['a fox in the rain', 'field', 'rain'],
    ['a fox by the sea', 'beach', null],
    ['a boat by the sea', 'sea', null],
    ['a lighthouse in fog', 'sea', 'fog'],
    ['a lamp', 'studio', null],
    ['a lamp in the rain', 'street', 'rain'],
    ['the mountains', 'mountain', null],
  ])('%j is set in: %s, %s', async (prompt, place, weather) => {
    expect(await createScene(prompt)).toMatchObject({ place, weather })
  })

  test.each(words)('shows every subject whole: %s', async (word) => {
    for (const { parts, x, width, size } of (await createScene(word)).figures) {
      expect(Math.abs(x) + width / 2).toBeLessThan(1)
      const tops = parts.filter(({ alpha }) => alpha > 0.2).map(({ shape }) => -shape.box[1] * size)
      expect(Math.max(...tops)).toBeLessThan(1.6)
    }
  })
})
