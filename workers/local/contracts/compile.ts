/**
 * Compiles `DevUSDC.sol` to `artifacts.json` (`npm run contracts`), or says whether that file is what the source gives
 * (`--check`, exit code 1 when not). The artifacts are committed, so that only who changes the contract needs solc.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import solc from 'solc'
import type { Abi, Hex } from 'viem'
import { z } from 'zod'

export interface Artifact {
  readonly abi: Abi
  /** Creation code: what a deployment sends. */
  readonly bytecode: Hex
  /** What then stands at the address; without constructor state it can be put there directly. */
  readonly runtime: Hex
}

const source = join(import.meta.dirname, 'DevUSDC.sol')
const target = join(import.meta.dirname, 'artifacts.json')

const code = z.object({ object: z.string() }).transform(({ object }): Hex => `0x${object}`)
const outputSchema = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).default([]),
  contracts: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({ abi: z.custom<Abi>(Array.isArray), evm: z.object({ bytecode: code, deployedBytecode: code }) }),
      ),
    )
    .default({}),
})

/** The text of `artifacts.json` that the present source gives. Throws with solc's own message on an error. */
export function compileArtifacts(): string {
  const input = {
    language: 'Solidity',
    sources: { 'DevUSDC.sol': { content: readFileSync(source, 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'paris',
      // Without the hash of the source in it, the code is the same wherever and however the source is laid out.
      metadata: { bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  }
  const { errors, contracts } = outputSchema.parse(JSON.parse(solc.compile(JSON.stringify(input))))
  const failures = errors.filter(({ severity }) => severity === 'error')
  if (failures.length > 0) throw new Error(failures.map(({ formattedMessage }) => formattedMessage).join('\n'))
  const artifacts: Record<string, Artifact> = {}
  for (const [name, { abi, evm }] of Object.entries(contracts['DevUSDC.sol'] ?? {})) {
    // An interface has no code of its own.
    if (evm.bytecode.length > 2) {
      artifacts[name] = { abi, bytecode: evm.bytecode, runtime: evm.deployedBytecode }
    }
  }
  return `${JSON.stringify(artifacts, null, 1)}\n`
}

/** Whether `artifacts.json` is what the present source gives. */
export const checkArtifacts = (): boolean => readFileSync(target, 'utf8') === compileArtifacts()

if (process.argv[1] === import.meta.filename) {
  if (!process.argv.includes('--check')) writeFileSync(target, compileArtifacts())
  else if (!checkArtifacts()) {
    console.error('workers/local/contracts/artifacts.json is not what DevUSDC.sol gives. Run: npm run contracts')
    process.exitCode = 1
  }
}
