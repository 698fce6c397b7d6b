import type { ImageHeader } from '../images/facts.ts'
import type { MatteOptions } from './options.ts'

/** Where background removal can run. */
export type HostName = 'edge' | 'container'

/** One place where background removal can run, and which pictures it takes. */
export interface MatteHost {
  readonly name: HostName
  /** Runs elsewhere and may be down: it is looked at before anybody pays for it. */
  readonly mayBeDown: boolean
  /** The qualities that it can give. */
  readonly qualities: readonly MatteOptions['quality'][]
  /** Whether it has more models than its qualities, of which callers may choose. */
  readonly hasModels: boolean
  /** Most pixels of a picture, by what is asked to be written, cropped or not. */
  readonly pixels: Readonly<Record<MatteOptions['format'], number>>
  /** Pictures that it does not decode; `because` ends the sentence "The image is ...". */
  readonly refuses: readonly { readonly picks: (header: ImageHeader) => boolean; readonly because: string }[]
  /** Seconds that a picture of so many pixels is expected to take, with others before it. */
  expectSeconds(pixels: number): number
  /** Seconds after which nobody waits for it any more. An x402 authorization lives 120. */
  readonly limitSeconds: number
}

const isBaseline = ({ coding }: ImageHeader & { format: 'jpeg' }): boolean =>
  coding === 'baseline' || coding === 'progressive'

/** The one table of who takes what. The first that takes a picture gets it, the next when that one is busy. */
export const matteHosts = [
  {
    name: 'edge',
    mayBeDown: false,
    qualities: ['auto', 'fast'],
    hasModels: false,
    pixels: {
      /**
       * Written row by row: at this size a photograph takes 32 to 71 MiB of an isolate's 128 MB (docs/benchmarks.md).
       */
      png: 4_000_000,
      /** The encoder holds up to 40 bytes for each pixel: 65 to 74 MiB in all at this size. */
      webp: 1_000_000,
    },
    refuses: [
      {
        picks: (h) => h.format === 'jpeg' && !isBaseline(h),
        because: 'a JPEG that is neither baseline nor progressive; send one that is, or PNG',
      },
      {
        picks: (h) => h.format === 'jpeg' && h.precision !== 8,
        because: 'a JPEG with other than 8 bits a sample; send 8 bits a sample',
      },
      {
        picks: (h) => h.format === 'jpeg' && h.components !== 1 && h.components !== 3,
        because: 'a JPEG in CMYK, which this deployment does not take; send it in RGB',
      },
      {
        picks: (h) => h.profile === 'foreign',
        because:
          'in a colour profile that is no matrix of RGB or grey, which this deployment does not convert; send sRGB',
      },
    ],
    expectSeconds: () => 10,
    limitSeconds: 60,
  },
  {
    name: 'container',
    mayBeDown: true,
    qualities: ['auto', 'fast', 'best'],
    hasModels: true,
    /** What the contract promises: 10,000 x 10,000. */
    pixels: { png: 100_000_000, webp: 100_000_000 },
    refuses: [
      {
        picks: (h) => h.format === 'jpeg' && !isBaseline(h) && h.coding !== 'arithmetic',
        because: 'a lossless or hierarchical JPEG; send a baseline or progressive one, or PNG',
      },
      {
        picks: (h) => h.format === 'jpeg' && h.precision !== 8,
        because: 'a JPEG with other than 8 bits a sample; send 8 bits a sample',
      },
      {
        picks: (h) => h.format === 'jpeg' && ![1, 3, 4].includes(h.components),
        because: 'a JPEG of other than 1, 3 or 4 colours; send it in RGB',
      },
    ],
    // On the half processor of a small instance; two cores take a quarter of it (docs/benchmarks.md).
    expectSeconds: (pixels) => 15 + pixels / 2_000_000,
    limitSeconds: 90,
  },
] as const satisfies readonly MatteHost[]

/** The row of one host. */
export const findHost = (name: HostName): MatteHost => matteHosts.find((host) => host.name === name)!

const count = (n: number): string => n.toLocaleString('en-US')

/** Why a host does not take a picture, as a sentence for the caller; null if it does. */
export function explainRefusal(host: MatteHost, header: ImageHeader, { format }: MatteOptions): string | null {
  const { width, height } = header
  const limit = host.pixels[format]
  if (width * height > limit) {
    return (
      `The image has ${count(width)} x ${count(height)} pixels, ${count(width * height)} in all; ` +
      `this deployment takes ${count(limit)} at most. Send a smaller copy.`
    )
  }
  const reason = host.refuses.find(({ picks }) => picks(header))?.because
  return reason ? `The image is ${reason}.` : null
}

/** What is known of a deployment's hosts. */
export interface HostStates {
  readonly available: readonly HostName[]
  /** Those that said lately that they are full. */
  readonly busy: ReadonlySet<HostName>
}

/**
 * The hosts to ask for a picture, in order, or why there is none.
 * @param header null if it lies behind the bytes that were looked at: then whoever takes most is asked first
 */
export function chooseHosts(
  header: ImageHeader | null,
  options: MatteOptions,
  { available, busy }: HostStates,
): readonly [MatteHost, ...MatteHost[]] | string {
  const able = matteHosts.filter(({ name, qualities, hasModels }) => {
    const given: readonly string[] = qualities
    const has = options.model === undefined ? given.includes(options.quality) : hasModels
    return available.includes(name) && has
  })
  const refusals = able.map((host) => (header ? explainRefusal(host, header, options) : null))
  const taking = able.filter((_, i) => refusals[i] === null)
  const ready = taking.toSorted((one, other) => Number(busy.has(one.name)) - Number(busy.has(other.name)))
  const [first, ...others] = header ? ready : taking.toReversed()
  return first ? [first, ...others] : (refusals.at(-1) ?? 'This deployment has nobody for this quality.')
}
