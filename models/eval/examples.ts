import type { Picture } from '../../workers/matte/picture.ts'
import type { AlphaPlane } from './plane.ts'

/** A photograph with the alpha that a cut-out of it should have. */
export interface Example {
  /** Unique in its set; also a file name. */
  readonly name: string
  /** Brings both, of one size. @throws Error naming the files if they do not fit each other */
  open(): Promise<{ readonly picture: Picture; readonly truth: AlphaPlane }>
}

/** Examples of one kind, of which the figures are given together. */
export interface ExampleSet {
  readonly name: string
  readonly examples: readonly Example[]
}
