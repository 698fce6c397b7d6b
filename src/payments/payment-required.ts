import type { Ask, PaymentProtocol, Refusal } from './protocol.ts'

/** Sentences for the reasons that callers can act on. Others are named as they are. */
const sentences: Readonly<Record<string, string>> = {
  invalid_payload: 'The payment header holds no payment that can be read.',
  invalid_scheme: 'Only the scheme "exact" is accepted.',
  invalid_network: 'The payment is for another network than the one that the challenge names.',
  invalid_asset: 'The payment is in another asset than the one that the challenge names.',
  invalid_challenge: 'The payment echoes a challenge that was not made for this endpoint.',
  authorization_too_long: 'The authorization must end within 20 minutes.',
  authorization_cancelled: 'The payer cancelled the authorization on chain.',
  authorization_expired: 'The authorization ended before it was settled. Nothing was charged.',
  authorization_spent_elsewhere: 'The authorization was used for another transfer.',
  challenge_expired: 'The challenge that was paid is older than five minutes.',
  transaction_expired: 'The transaction ended before it was sent.',
  transaction_too_long: 'The transaction must end within 30 seconds.',
  transaction_would_fail: 'The transaction would fail: the payer may not hold enough.',
  transaction_failed: 'The transaction failed on chain.',
  funds_in_use: 'What the payer holds is needed for generations of his that are still running.',
  insufficient_funds: 'The payer does not hold the price and the fee that its transaction bids.',
  invalid_nonce: 'The transaction must use the expiring nonce key, with nonce 0.',
  invalid_transfer: 'The transaction must be exactly one transferWithMemo of pathUSD.',
  invalid_recipient: 'The transfer is to another recipient than the one that the challenge names.',
  invalid_amount: 'The transfer is of another amount than the challenge names.',
  invalid_memo: 'The memo of the transfer was not made for this challenge.',
  invalid_fee: 'The transaction may cost its sponsor more than $0.01.',
  sponsor_not_offered: 'The transaction asks for a sponsor, and the challenge offers none.',
  invalid_signature: 'The signature is not the sender’s.',
  invalid_exact_evm_recipient_mismatch: 'The payment is for another recipient than the one that the challenge names.',
  invalid_exact_evm_payload_authorization_value_mismatch: 'The payment is for another amount than the price.',
  invalid_exact_evm_payload_authorization_valid_before:
    'The authorization has expired, or would before it could settle.',
  invalid_exact_evm_payload_authorization_valid_after: 'The authorization is not valid yet.',
  invalid_exact_evm_signature: 'The signature is not the payer’s, or is for other terms.',
  invalid_exact_evm_insufficient_balance: 'The payer does not hold enough of the asset.',
}

/** The refusal for a credential that was turned down for `reason`. */
export const refusalFor = (reason: string): Refusal => ({
  error: reason,
  message: `${sentences[reason] ?? `The payment was refused: ${reason}.`} Nothing was charged; sign a new one for this challenge.`,
})

/** The refusal for a request without a credential. */
export const unpaid = (ask: Ask): Refusal => ({
  error: 'payment_required',
  message: `This call costs $${ask.price}. Pay what this answer asks for and send the same request again.`,
})

/** One 402 that every client understands: each protocol adds its headers and its members of the JSON body. */
export async function createPaymentRequired(
  protocols: readonly PaymentProtocol[],
  ask: Ask,
  refusal: Refusal,
  requestId: string,
): Promise<Response> {
  const challenges = await Promise.all(protocols.map((protocol) => protocol.challenge(ask, refusal)))
  const headers = new Headers({ 'Cache-Control': 'no-store' })
  for (const challenge of challenges) for (const [name, value] of challenge.headers) headers.append(name, value)
  const [only] = challenges
  if (challenges.length === 1 && only?.problem) {
    headers.set('Content-Type', 'application/problem+json')
    return Response.json({ ...only.problem, ...refusal, request_id: requestId }, { status: 402, headers })
  }
  const parts: Record<string, unknown> = Object.assign({}, ...challenges.map(({ body }) => body))
  return Response.json({ ...refusal, ...parts, request_id: requestId }, { status: 402, headers })
}
