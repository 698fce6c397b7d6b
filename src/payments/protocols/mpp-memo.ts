import { concat, type Hex, keccak256, size, slice, stringToHex } from 'viem'

const hash = (text: string): Hex => keccak256(stringToHex(text))
const TAG = slice(hash('mpp'), 0, 4)
const VERSION = '0x01'

/**
 * Whether a transfer's memo was made for this challenge of this realm. MPP attribution memo, version 1, 32 bytes: tag
 * (4), version (1), hash of the realm (10), the client (10), hash of the challenge id (7).
 */
export function isBoundMemo(memo: Hex, realm: string, challengeId: string): boolean {
  return (
    size(memo) === 32 &&
    slice(memo, 0, 15) === concat([TAG, VERSION, slice(hash(realm), 0, 10)]) &&
    slice(memo, 25) === slice(hash(challengeId), 0, 7)
  )
}
