import { ApiError } from './errors.ts'
import { PREVIEW } from './generation/catalogue.ts'
import type { GenerationConfig } from './generation/configuration.ts'
import type { CutOut, JobParts, JobPayments } from './generation/job.ts'
import { BadOutput, type OutputStore } from './generation/output-store.ts'
import type { PreviewService } from './generation/preview.ts'
import type { Provider } from './generation/provider.ts'
import { type ProviderSpec, providers } from './generation/providers/index.ts'
import { createLocal } from './generation/providers/local.ts'
import { sizeOf } from './generation/sizes.ts'
import type { MatteHosts } from './matte/hosts.ts'
import { defaultMatteOptions } from './matte/options.ts'

const formats: Readonly<Record<string, 'png' | 'jpeg' | 'webp'>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/webp': 'webp',
}

/** Removes the background of a generated picture, as a call for it would. */
const createCutOut =
  (matte: MatteHosts, outputs: OutputStore): CutOut =>
  async (output) => {
    const stored = await outputs.read(output)
    const format = formats[output.type]
    if (!stored || !format) {
      return { code: 'upstream_failed', message: 'The picture cannot have its background removed.', retryable: true }
    }
    let first: ReadableStream<Uint8Array> | null = stored.body
    const open = async () => {
      const body = first ?? (await outputs.read(output))?.body
      first = null
      if (!body) throw new Error('the picture is gone')
      return body
    }
    try {
      const hosts = matte.choose(null, defaultMatteOptions)
      const result = await matte.cut(hosts, { format, size: stored.size, open }, defaultMatteOptions)
      if (!result.ok && result.code === 'processor_unavailable') return null
      if (!result.ok) {
        const message =
          result.code === 'no_foreground'
            ? 'No foreground was found in the picture.'
            : 'Its background could not be removed.'
        return { code: 'upstream_failed', message, retryable: true }
      }
      const sink = await outputs.open({ width: output.width, height: output.height })
      try {
        for await (const piece of result.body) await sink.write(piece)
        return await sink.finish()
      } catch (error) {
        await sink.abort()
        throw error
      }
    } catch (error) {
      if (error instanceof BadOutput) throw error
      // Nobody can take it now, or it broke off: another try may do better.
      console.warn(JSON.stringify({ level: 'warn', event: 'cut_output', error: String(error) }))
      if (error instanceof ApiError && error.status < 500) {
        return { code: 'upstream_failed', message: error.message, retryable: true }
      }
      return null
    }
  }

/** What jobs need of the rest. */
export function createJobParts(
  config: GenerationConfig,
  preview: PreviewService,
  matte: MatteHosts,
  outputs: OutputStore,
  payments: JobPayments,
): JobParts {
  const made = new Map<string, Provider>([[PREVIEW, createLocal(preview)]])
  return {
    outputs,
    openProvider(name) {
      const values = config.providers[name as keyof typeof providers]
      const known = made.get(name)
      if (known || !values) return known ?? null
      // Made once, so that tokens last.
      const provider = (providers[name as keyof typeof providers] as ProviderSpec).create(values)
      made.set(name, provider)
      return provider
    },
    cutOut: createCutOut(matte, outputs),
    payments,
    sizeOf: ({ task }) => sizeOf(task),
  }
}
