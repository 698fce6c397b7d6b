import { SignatureEnvelope } from 'ox/tempo'
import { type Hex, toHex, zeroHash } from 'viem'
import type { Block, MinedTransaction } from './blockchain.ts'
import { BASE_FEE } from './gas.ts'
import { FEE_MANAGER } from './tokens.ts'
import type { TempoTransaction } from './transaction.ts'

const NO_BLOOM: Hex = `0x${'00'.repeat(256)}`
const BLOCK_GAS = 500_000_000

/** A transaction's events, each with its place, as `eth_getLogs` and receipts show them. */
export function describeLogs({ transaction, block, index, events, firstLog }: MinedTransaction) {
  return events.map((event, position) => ({
    ...event,
    blockHash: block.hash,
    blockNumber: toHex(block.number),
    blockTimestamp: toHex(block.time),
    transactionHash: transaction.hash,
    transactionIndex: toHex(index),
    logIndex: toHex(firstLog + position),
    removed: false,
  }))
}

/** The answer of `eth_getTransactionReceipt`. */
export function describeReceipt(mined: MinedTransaction) {
  const { transaction, block, index, succeeded, gasUsed, gasPrice, cumulativeGas } = mined
  return {
    type: '0x76',
    status: succeeded ? '0x1' : '0x0',
    transactionHash: transaction.hash,
    transactionIndex: toHex(index),
    blockHash: block.hash,
    blockNumber: toHex(block.number),
    from: transaction.from,
    to: transaction.envelope.calls[0]?.to ?? null,
    contractAddress: null,
    cumulativeGasUsed: toHex(cumulativeGas),
    gasUsed: toHex(gasUsed),
    effectiveGasPrice: toHex(gasPrice),
    logsBloom: NO_BLOOM,
    feeToken: transaction.feeToken,
    feePayer: transaction.feePayer,
    logs: describeLogs(mined),
  }
}

/** The answer of `eth_getTransactionByHash`; without its place while the transaction waits. */
export function describeTransaction({ hash, from, envelope, signature }: TempoTransaction, mined?: MinedTransaction) {
  const { chainId, calls, gas = 0n, nonce = 0n, nonceKey = 0n, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = envelope
  const { validBefore, validAfter, feeToken, feePayerSignature } = envelope
  return {
    type: '0x76',
    hash,
    from,
    chainId: toHex(chainId),
    nonce: toHex(nonce),
    nonceKey: toHex(nonceKey),
    gas: toHex(gas),
    gasPrice: toHex(mined?.gasPrice ?? maxFeePerGas),
    maxFeePerGas: toHex(maxFeePerGas),
    maxPriorityFeePerGas: toHex(maxPriorityFeePerGas),
    calls: calls.map(({ to, data = '0x' }) => ({ to: to ?? null, value: '0x0', input: data })),
    accessList: [],
    aaAuthorizationList: [],
    feeToken: feeToken ?? null,
    feePayerSignature: feePayerSignature
      ? {
          r: toHex(feePayerSignature.r),
          s: toHex(feePayerSignature.s),
          yParity: toHex(feePayerSignature.yParity),
          v: toHex(27 + feePayerSignature.yParity),
        }
      : null,
    keyAuthorization: null,
    signature: SignatureEnvelope.toRpc(signature),
    validBefore: validBefore === undefined ? null : toHex(validBefore),
    validAfter: validAfter === undefined ? null : toHex(validAfter),
    blockHash: mined?.block.hash ?? null,
    blockNumber: mined ? toHex(mined.block.number) : null,
    blockTimestamp: mined ? toHex(mined.block.time) : null,
    transactionIndex: mined ? toHex(mined.index) : null,
  }
}

/** The answer of `eth_getBlockByNumber`, with whole transactions or their hashes. */
export function describeBlock({ number, time, hash, parentHash, mined }: Block, whole: boolean) {
  const gasUsed = mined.at(-1)?.cumulativeGas ?? 0n
  return {
    number: toHex(number),
    hash,
    parentHash,
    timestamp: toHex(time),
    baseFeePerGas: toHex(BASE_FEE),
    gasLimit: toHex(BLOCK_GAS),
    gasUsed: toHex(gasUsed),
    transactions: mined.map((entry) =>
      whole ? describeTransaction(entry.transaction, entry) : entry.transaction.hash,
    ),
    miner: FEE_MANAGER,
    nonce: '0x0000000000000000',
    difficulty: '0x0',
    totalDifficulty: '0x0',
    extraData: '0x',
    size: '0x1',
    uncles: [],
    logsBloom: NO_BLOOM,
    mixHash: zeroHash,
    receiptsRoot: zeroHash,
    sha3Uncles: zeroHash,
    stateRoot: zeroHash,
    transactionsRoot: zeroHash,
  }
}
