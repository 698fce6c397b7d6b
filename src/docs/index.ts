import { defineEndpoint, type Endpoint } from '../endpoint.ts'
import { describeForAgents } from './llms.ts'
import { describeApi } from './openapi.ts'

/** The documents that are derived from the endpoint table; they list themselves too. */
export function createDocs(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const all: Endpoint[] = [...endpoints]
  const openapi = defineEndpoint({
    method: 'GET',
    path: '/openapi.json',
    name: 'openapi',
    summary: 'The OpenAPI 3.1 document of this service',
    response: { description: 'The document.', contentTypes: ['application/json'], schema: { type: 'object' } },
    errors: [],
    handle: (c) => c.json(describeApi(all, c.var.services)),
  })
  const llms = defineEndpoint({
    method: 'GET',
    path: '/llms.txt',
    name: 'llms',
    summary: 'This service on one page, for agents',
    response: { description: 'Markdown.', contentTypes: ['text/plain'] },
    errors: [],
    handle: (c) => c.text(describeForAgents(all, c.var.services)),
  })
  all.push(openapi, llms)
  return [openapi, llms]
}
