import { writeFile } from 'node:fs/promises'
import { relative } from 'node:path'
import type { GenerationView } from '../../src/generation/generation-row.ts'
import { chooseHost, DemoError, explainFailure, explainRefusal, reportPayment } from './demo-call.ts'
import { type DemoProtocol, demoClients } from './demo-clients.ts'
import type { Host } from './hosts.ts'
import type { Stack } from './stack-file.ts'

/** What is to be generated, and where it goes. */
export interface PictureOrder {
  readonly prompt: string
  readonly protocol: DemoProtocol
  /** The one that suits the protocol unless given. */
  readonly host: Host | undefined
  readonly out: string
  /** Folder that paths are shown from. */
  readonly here: string
}

const MODEL = 'nano-banana-2'

/** Asks how a job stands until it is over. Free: whoever knows its id may ask. */
async function waitForJob(gateway: string, id: string): Promise<GenerationView> {
  for (;;) {
    const answer = await fetch(`${gateway}/v1/generations/${id}?wait=20`)
    if (!answer.ok) throw new DemoError(await explainRefusal(answer))
    const job = (await answer.json()) as GenerationView
    if (job.status !== 'pending' && job.status !== 'processing') return job
  }
}

/** Has a picture generated, and writes it. @throws DemoError */
export async function generatePicture(
  stack: Stack,
  { prompt, protocol, host, out, here }: PictureOrder,
): Promise<void> {
  const client = demoClients[protocol](stack)
  const { url, fetch: ask } = chooseHost(stack, protocol, host ?? client.host, '/v1/images/generate')
  console.log(`asked  POST ${url}  for "${prompt}" by ${MODEL}`)
  const before = await client.readBalance()
  const started = performance.now()
  const body = JSON.stringify({ model: MODEL, prompt })
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
  const response = await client
    .createPayingFetch(ask)(url, init)
    .catch((error: unknown) => {
      throw new DemoError(`The call failed: ${explainFailure(error)}`, { cause: error })
    })
  if (!response.ok) throw new DemoError(await explainRefusal(response))
  const { id } = (await response.json()) as GenerationView
  await reportPayment(client, response, before)
  const job = await waitForJob(stack.gateway, id)
  const [output] = job.output
  if (!output) throw new DemoError(`The generation ${job.status}: ${job.error} ${job.message}`)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`got    ${output.type}, ${output.width} x ${output.height} px, in ${seconds} s`)
  console.log(`       ${output.url}${job.served_by ? `  by ${job.served_by}, which stands in for the model` : ''}`)
  await writeFile(out, new Uint8Array(await (await fetch(output.url)).arrayBuffer()))
  console.log(`wrote  ${relative(here, out)}`)
}
