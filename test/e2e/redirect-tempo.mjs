// Preloaded into `mppx validate`, which asks the public node of Tempo's testnet: another one answers instead.
const { TEMPO_RPC_URL } = process.env
const { fetch } = globalThis
globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  if (!/\.tempo\.xyz$/.test(url.hostname)) return fetch(input, init)
  return input instanceof Request ? fetch(new Request(TEMPO_RPC_URL, input), init) : fetch(TEMPO_RPC_URL, init)
}
