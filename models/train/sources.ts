import { photographs } from './photographs.ts'
import { pieces } from './pieces.ts'
import type { Source } from './source.ts'

/** Every source of the edge model's training data. What its evaluation uses is in none of them. */
export const sources: readonly Source[] = [...photographs, ...pieces]
