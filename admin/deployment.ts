import { findRunningStack } from '../workers/local/stack-file.ts'

/** Something that the operator can put right; the message is a sentence for them. */
export class AdminError extends Error {
  override name = 'AdminError'
}

/** The deployment that is looked after. */
export interface Deployment {
  readonly url: string
  readonly token: string
}

/**
 * The deployment that `PIXTOLL_URL` and `ADMIN_TOKEN` name; without them the one that `npm run dev` runs.
 * @throws AdminError, StackError
 */
export async function findDeployment(): Promise<Deployment> {
  const { PIXTOLL_URL: url, ADMIN_TOKEN: token } = process.env
  if (url && token) return { url: url.replace(/\/+$/, ''), token }
  if (url || token) throw new AdminError('PIXTOLL_URL and ADMIN_TOKEN go together.')
  const stack = await findRunningStack()
  if (!stack) throw new AdminError('No deployment is named by PIXTOLL_URL and ADMIN_TOKEN, and no stack runs here.')
  return { url: stack.gateway, token: stack.adminToken }
}

/** Calls one of the operator's endpoints. @throws AdminError when it does not answer, or refuses */
export async function call<Answer>(
  { url, token }: Deployment,
  method: 'GET' | 'POST',
  path: string,
  query: Record<string, string>,
): Promise<Answer> {
  const target = `${url}${path}?${new URLSearchParams(query)}`
  const answer = await fetch(target, { method, headers: { Authorization: `Bearer ${token}` } }).catch(
    (error: Error) => {
      throw new AdminError(
        `${url} does not answer: ${error.cause instanceof Error ? error.cause.message : error.message}`,
      )
    },
  )
  if (answer.ok) return (await answer.json()) as Answer
  const said = (await answer.json().catch(() => ({}))) as { message?: string }
  throw new AdminError(`${url} answers ${answer.status}: ${said.message ?? 'nothing that can be read'}`)
}

/** All pages of an endpoint that answers page by page. */
export async function* callPages<Page extends { readonly cursor: string | null }>(
  deployment: Deployment,
  method: 'GET' | 'POST',
  path: string,
  query: Record<string, string> = {},
): AsyncGenerator<Page> {
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = await call<Page>(deployment, method, path, { ...query, cursor })
    yield page
    cursor = page.cursor
  }
}
