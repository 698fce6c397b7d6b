import { join } from 'node:path'
import { modelsFolder } from '../verify.ts'

/** The path of a picture that ships with this repository. */
export const locateFixture = (name: string): string => join(modelsFolder, '../test/fixtures', name)
