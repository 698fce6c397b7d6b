import type { Source } from './source.ts'

const coco = {
  use: 'taught',
  subject: 'scenes of all kinds, many with people',
  licence: 'CC-BY-2.0, CC-BY-SA-2.0, no known restrictions, or a work of the US government',
  statedIn: 'the number of each photograph’s licence in COCO’s annotations; the others are left out',
  origin: 'clear',
} as const
/** Numbers of the free ones among COCO's licences; 1, 2 and 3 are non-commercial, 6 forbids derivatives. */
const freeOfCoco = [4, 5, 7, 8]
const grocery = {
  repository: 'marcusklasson/GroceryStoreDataset',
  commit: 'fc80ba90f803d79d0383df52c5a4ac5de99ff6fc',
  use: 'taught',
  licence: 'MIT',
  statedIn: 'LICENSE',
  origin: 'clear',
} as const
const caltech = {
  repository: 'sk8shape/2020Homework2-Caltech101',
  commit: '93e1060b67395d253487746c8d51e73a1689f8a2',
  licence: 'CC-BY-4.0',
  statedIn: 'Caltech’s record of the data set (data.caltech.edu), not this copy',
  origin: 'mixed',
} as const

/** Clothing Co-Parsing. */
export const ccp = {
  repository: 'bearpaw/clothing-co-parsing',
  commit: 'fe34fb77721a9973fbae92c05f7f12b664d10110',
  files: /^photos\/\d+\.jpg$/,
  // splitLabelled in extract.ts does it.
  heldOut: 'those without labels; of those with labels each tenth, from the seventh on, which is for evaluation',
  licence: 'Apache-2.0',
  statedIn: 'LICENSE; the photographs come from fashion sites',
  origin: 'mixed',
} as const

/** Photographs with a subject. */
export const photographs: readonly Source[] = [
  {
    name: 'davis',
    repository: 'MathLee/EOR-VOS',
    commit: '1bde4d5f936304c5ad69e301956e9d65082dfbc8',
    use: 'masked',
    subject: 'animals, vehicles and people in motion',
    files: /^DAVIS\/JPEGImages\/480p\/([^/]+)\/\d+\.jpg$/,
    without: {
      files: /\/(blackswan|cows|dance-twirl|scooter-black|soapbox|drift-chicane|kite-surf)\//,
      because: 'the first four are for evaluation; in the others the subject is tiny',
    },
    every: 4,
    licence: 'BSD-3-Clause',
    statedIn: 'README and LICENSE of fperazzi/davis',
    origin: 'clear',
  },
  {
    ...ccp,
    name: 'ccp',
    use: 'outlined',
    subject: 'people on streets, in full view',
  },
  {
    ...caltech,
    name: 'caltech',
    use: 'taught',
    subject: 'a hundred kinds of animals, vehicles, instruments, furniture, plants and goods',
    files: /^101_ObjectCategories\/([^/]+)\/.*\.jpg$/,
    without: {
      files: /\/(BACKGROUND_Google|Faces_easy|garfield|snoopy)\//,
      because: 'no subject, faces that fill the picture, and drawings of others’ characters',
    },
    atMost: 25,
  },
  {
    name: 'flowers',
    repository: 'Oldpel/flower_photos',
    commit: '140ff6f3beb2173715002984c2bd58dc3506d4c9',
    use: 'taught',
    subject: 'flowers of five kinds',
    files: /^dataset\/(?:train|val)\/([^/]+)\/.*\.jpg$/,
    atMost: 70,
    licence: 'CC-BY-2.0',
    statedIn: 'the card of tf_flowers, for all of its pictures',
    origin: 'clear',
  },
  {
    name: 'trash',
    repository: 'congduytran12/Trash-Classification-',
    commit: '00212f2c18dcdb9045c74481eaae5baaf72537df',
    use: 'taught',
    subject: 'bottles, cans and packages on a white board',
    files: /^dataset-resized\/(glass|metal|plastic|trash)\/.*\.jpg$/,
    atMost: 65,
    licence: 'MIT',
    statedIn: 'LICENSE of garythung/trashnet',
    origin: 'clear',
  },
  {
    name: 'spree',
    repository: 'spree/spree',
    commit: 'cee28a23d9965d3c873955f2a567212450e4b335',
    use: 'taught',
    subject: 'household appliances on plain ground, probably made by a computer',
    files: /^docs\/images\/demo-images\/.*\.webp$/,
    licence: 'CC-BY-4.0',
    statedIn: 'docs/LICENSE.md',
    origin: 'clear',
  },
  {
    ...grocery,
    name: 'grocery-iconic',
    subject: 'fruit, vegetables and packages on white',
    files: /^dataset\/iconic-images-and-descriptions\/.*_Iconic\.jpg$/,
  },
  {
    ...grocery,
    name: 'grocery',
    subject: 'fruit, vegetables and packages in shops',
    files: /^dataset\/(?:train|test)\/.*\.jpg$/,
    atMost: 150,
  },
  {
    name: 'clothing',
    repository: 'alexeygrigorev/clothing-dataset-small',
    commit: '11961516512414bf9f6c150a832cfd21b54a6b54',
    use: 'taught',
    subject: 'clothes and shoes, laid out, hung or worn',
    files: /^(?:train|test|validation)\/([^/]+)\/.*\.jpg$/,
    atMost: 20,
    licence: 'CC0-1.0',
    statedIn: 'LICENSE',
    origin: 'clear',
  },
  {
    name: 'samples',
    repository: 'Azure-Samples/cognitive-services-sample-data-files',
    commit: '65af3b93cab5f45c76594f3265210646d4b3809e',
    use: 'taught',
    subject: 'forks, scissors and twigs',
    files: /^CustomVision\/.*\.jpg$/,
    licence: 'MIT',
    statedIn: 'LICENSE.md',
    origin: 'clear',
  },
  {
    ...coco,
    name: 'coco-val',
    repository: 'minto5z/coco_yolo',
    commit: '4715f5ca05a6ffc148d4c4e5b0a131663655f2be',
    files: /^coco\/images\/(?:train2017|val2017)\/\d+\.jpg$/,
    licences: {
      repository: 'ruizewang/evaluate',
      commit: '1152656d3b8c66c48fc6a4357e159f5e21bd2d2d',
      file: 'annotations/captions_val2017.json',
      ids: freeOfCoco,
    },
  },
  {
    ...coco,
    name: 'coco-mini',
    repository: 'Obmutescence/COCO-MINI',
    commit: '644f29e7c1d2eefd9c4412d39bc5b0ee6fd0afd4',
    files: /^train2017\/\d+\.jpg$/,
    licences: {
      repository: 'Obmutescence/COCO-MINI',
      commit: '644f29e7c1d2eefd9c4412d39bc5b0ee6fd0afd4',
      file: 'annotations/instances_train2017.json',
      ids: freeOfCoco,
    },
  },
  {
    ...coco,
    name: 'coco-tiny',
    repository: 'zzowenzz/COCO_Tiny',
    commit: 'e7a689f7d6d1a1908df287c3e79eccdadfdba1fe',
    files: /^train2017\/\d+\.jpg$/,
    licences: {
      repository: 'zzowenzz/COCO_Tiny',
      commit: 'e7a689f7d6d1a1908df287c3e79eccdadfdba1fe',
      file: 'annotations/instances_train2017.json',
      ids: freeOfCoco,
    },
  },
  {
    ...coco,
    name: 'coco-128',
    repository: 'ndttoan/retinanet_pytorch',
    commit: '36e2cf57e7c9fa3968432a34bcb47c433bbbdb4e',
    files: /^data\/coco\/images\/train2017\/\d+\.jpg$/,
    licences: {
      repository: 'ndttoan/retinanet_pytorch',
      commit: '36e2cf57e7c9fa3968432a34bcb47c433bbbdb4e',
      file: 'data/coco/annotations/instances_train2017.json',
      ids: freeOfCoco,
    },
  },
]
