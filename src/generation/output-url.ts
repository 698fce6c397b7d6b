import { UpstreamError } from './upstream-error.ts'

/** Names that lead into somebody's own network: RFC 6761, RFC 6762, RFC 8375, and those without a dot. */
const privateName = /^[^.]*$|(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa|test|invalid)$/

/** An address instead of a name; the URL parser has written every IPv4 form as four decimals already. */
const isAddress = (hostname: string): boolean => hostname.startsWith('[') || /^\d+(?:\.\d+){3}$/.test(hostname)

/**
 * Judges an URL that an upstream's answer (or a redirect) names: its sender decides where we go, so nothing of ours may
 * be there. Addresses are refused altogether, public ones too: no provider gives outputs out by address. What a name
 * resolves to cannot be seen in a Worker; its `fetch` does not reach private networks.
 * @param base the configured base URL. Its own host is allowed whatever it is, and only it by plain http
 * @throws UpstreamError `forbidden_url`, which does not repeat it
 */
export function checkOutputUrl(text: string, base: URL): URL {
  const refuse = (reason: string): never => {
    throw new UpstreamError('forbidden_url', `an output lies at a URL ${reason}`, { mayHaveBegun: true })
  }
  if (!URL.canParse(text)) return refuse('that is none')
  const url = new URL(text)
  if (url.username || url.password) return refuse('with credentials')
  const isOwn = url.origin === base.origin
  if (url.protocol !== 'https:' && !(isOwn && url.protocol === 'http:')) return refuse('that is not https')
  const hostname = url.hostname.replace(/\.$/, '')
  if (!isOwn && (isAddress(hostname) || privateName.test(hostname))) return refuse('in a private network')
  return url
}
