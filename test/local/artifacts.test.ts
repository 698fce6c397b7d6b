import { expect, it } from 'vitest'
import { checkArtifacts } from '../../workers/local/contracts/compile.ts'

it('artifacts.json is what DevUSDC.sol gives (npm run contracts makes it so)', () => {
  expect(checkArtifacts()).toBe(true)
})
