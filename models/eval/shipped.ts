import { composites } from './composites.ts'
import type { ExampleSet } from './examples.ts'
import { locateFixture } from './fixtures.ts'
import { readFolder } from './folders.ts'

/** The sets that ship with this repository: frames of DAVIS 2016 with their masks, and composites of known alpha. */
export async function readShippedSets(): Promise<ExampleSet[]> {
  const [frames] = await readFolder(locateFixture('eval'))
  if (!frames) throw new Error('test/fixtures/eval holds no pairs')
  return [{ ...frames, name: 'davis' }, composites]
}
