import type { PulledModel, UrlOrigin } from './pulled-model.ts'

const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const
const rembg = 'https://github.com/danielgatis/rembg/releases/download/v0.0.0/'
const birefnet = 'https://github.com/ZhengPeng7/BiRefNet/releases/download/v1/'
/** rembg and the authors' own programs feed the first input and read the first output, whatever their names are. */
const first = { name: null } as const

/**
 * Models that are downloaded as they are. None of these files was at hand when the rows were written: sums, sizes and
 * licences are what their publishers and users say of them, and `memoryMiB` is an estimate unless a row says more.
 */
export const downloadedModels = [
  {
    id: 'u2netp-320',
    file: 'pulled/u2netp-320.onnx',
    sha256: '309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8',
    bytes: 4_574_861,
    licence: 'Apache-2.0',
    commercial: true,
    memory: 'container',
    memoryMiB: 500,
    source: 'U2-Net-p (Qin et al., 2020), https://github.com/xuebinqin/U-2-Net, as ONNX by rembg.',
    input: { ...first, size: 320, ...imageNet },
    output: { ...first, meaning: 'minmax' },
    origin: {
      kind: 'url',
      url: `${rembg}u2netp.onnx`,
      md5: '8e83ca70e441ab06c318d82300c84806',
      mostBytes: 4_574_861,
    },
  },
  {
    id: 'u2net-320',
    file: 'pulled/u2net-320.onnx',
    sha256: '8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491',
    bytes: 175_997_641,
    licence: 'Apache-2.0',
    commercial: true,
    memory: 'container',
    memoryMiB: 1_000,
    source: 'U2-Net (Qin et al., 2020), https://github.com/xuebinqin/U-2-Net, as ONNX by rembg.',
    input: { ...first, size: 320, ...imageNet },
    output: { ...first, meaning: 'minmax' },
    origin: {
      kind: 'url',
      url: `${rembg}u2net.onnx`,
      md5: '60024c5c889badc19c04ad937298a77b',
      mostBytes: 175_997_641,
    },
  },
  {
    id: 'birefnet-lite-1024',
    file: 'pulled/birefnet-lite-1024.onnx',
    sha256: '5600024376f572a557870a5eb0afb1e5961636bef4e1e22132025467d0f03333',
    bytes: 224_005_088,
    licence: 'MIT',
    commercial: true,
    memory: 'container',
    // Reported by users: 7.8 to 9.2 GB without an arena.
    memoryMiB: 9_500,
    source: 'BiRefNet general, Swin-T (Zheng et al., 2024), https://github.com/ZhengPeng7/BiRefNet, epoch 232.',
    input: { ...first, size: 1024, ...imageNet },
    output: { ...first, meaning: 'logit' },
    origin: {
      kind: 'url',
      url: `${birefnet}BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx`,
      md5: '4fab47adc4ff364be1713e97b7e66334',
      mostBytes: 224_005_088,
    },
  },
  {
    id: 'birefnet-1024',
    file: 'pulled/birefnet-1024.onnx',
    sha256: '58f621f00f5d756097615970a88a791584600dcf7c45b18a0a6267535a1ebd3c',
    bytes: 972_666_916,
    licence: 'MIT',
    commercial: true,
    memory: 'container',
    // Reported by users: 8.4 GB without arena and memory pattern, 12.3 with both.
    memoryMiB: 12_500,
    source: 'BiRefNet general, Swin-L (Zheng et al., 2024), https://github.com/ZhengPeng7/BiRefNet, epoch 244.',
    input: { ...first, size: 1024, ...imageNet },
    output: { ...first, meaning: 'logit' },
    origin: {
      kind: 'url',
      url: `${birefnet}BiRefNet-general-epoch_244.onnx`,
      md5: '7a35a0141cbbc80de11d9c9a28f52697',
      mostBytes: 972_666_916,
    },
  },
  {
    id: 'modnet-512',
    file: 'pulled/modnet-512.onnx',
    // No sum is published for this file.
    sha256: null,
    bytes: null,
    licence: 'Apache-2.0, code and weights',
    commercial: true,
    memory: 'container',
    memoryMiB: 700,
    source: 'MODNet, portraits alone (Ke et al., AAAI 2022), https://github.com/ZHKKKe/MODNet, as ONNX by Xenova.',
    input: { ...first, size: 512, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    output: { ...first, meaning: 'alpha' },
    origin: {
      kind: 'url',
      url: 'https://huggingface.co/Xenova/modnet/resolve/main/onnx/model.onnx',
      md5: null,
      mostBytes: 30_000_000,
    },
  },
  {
    id: 'rmbg2-1024',
    file: 'pulled/rmbg2-1024.onnx',
    sha256: '5b486f08200f513f460da46dd701db5fbb47d79b4be4b708a19444bcd4e79958',
    bytes: null,
    licence: 'CC BY-NC 4.0',
    commercial: false,
    memory: 'container',
    memoryMiB: 12_500,
    source: 'RMBG 2.0 by BRIA AI (2024), https://huggingface.co/briaai/RMBG-2.0, as ONNX by rembg.',
    input: { ...first, size: 1024, ...imageNet },
    output: { ...first, meaning: 'minmax' },
    origin: { kind: 'url', url: `${rembg}bria-rmbg-2.0.onnx`, md5: null, mostBytes: 1_100_000_000 },
  },
] as const satisfies readonly (PulledModel & { readonly origin: UrlOrigin })[]
