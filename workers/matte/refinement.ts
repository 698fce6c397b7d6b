import type { MatteOptions } from '../../src/matte/options.ts'
import type { Matte } from './alpha.ts'
import { estimateEdgeColours } from './decontaminate.ts'
import { createGuide } from './guided-filter.ts'
import { free } from './picture.ts'
import type { Grid } from './stretch.ts'

/** What makes edges better than the matte's size allows; without it the matte is stretched as it is. */
export interface Refinement {
  /** Alpha by colour, at the size of the matte: `createGuide`. */
  readonly guide?: Grid
  /** The colours that are mixed at soft edges, at any size: `estimateEdgeColours`. */
  readonly colours?: Grid
}

/** The refinement that was asked for. */
export function createRefinement(
  matte: Matte,
  thumbnail: Uint8ClampedArray,
  { refine }: Pick<MatteOptions, 'refine'>,
): Refinement {
  if (refine === 'none') return {}
  return { guide: createGuide(matte, thumbnail), colours: estimateEdgeColours(matte, thumbnail) }
}

/** Ends a refinement: it is empty from here on. */
export function freeRefinement({ guide, colours }: Refinement): void {
  if (guide) free(guide.values)
  if (colours) free(colours.values)
}
