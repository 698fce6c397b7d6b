import { animals } from './animals.ts'
import { landmarks } from './landmarks.ts'
import type { Drawing } from './part.ts'
import { things } from './things.ts'

/** Where something may be. */
export type PlaceName =
  | 'field'
  | 'snow'
  | 'sea'
  | 'beach'
  | 'mountain'
  | 'forest'
  | 'desert'
  | 'street'
  | 'studio'
  | 'space'
  | 'deep'

/** What a prompt's words ask for, in English, French and Spanish; without accents, in the singular. */
interface Row {
  readonly words: string
}

/** What can be the subject of a picture. */
export interface SubjectRow extends Row {
  readonly drawing: Drawing
  /** Its own colour. */
  readonly colour: string
  /** How much of its own colour stays when the prompt asks for another one. */
  readonly keeps: number
  /** Where it is unless the prompt says so. */
  readonly place: PlaceName
  /** Height in halves of the picture's shorter side. */
  readonly size: number
  /** Whether it may lie in water, or hang in the air. */
  readonly rests: 'ground' | 'water' | 'air'
}

const subject = (
  words: string,
  drawing: Drawing,
  colour: string,
  place: PlaceName,
  size: number,
  other: Partial<SubjectRow> = {},
): SubjectRow => ({ keeps: 0.1, rests: 'ground', words, drawing, colour, place, size, ...other })

const alive = { keeps: 0.5 } as const

/** The subjects that can be drawn. The first word of a prompt that is one of theirs decides. */
export const subjects: readonly SubjectRow[] = [
  subject('fox foxes vixen renard zorro wolf loup lobo', animals.fox, '#d96a2b', 'field', 1.42, alive),
  subject('cat kitten kitty chat chaton gato gatito tiger lion', animals.cat, '#8d8a94', 'studio', 1.4, alive),
  subject('dog puppy puppies chien chiot perro hound', animals.dog, '#b98a57', 'field', 1.4, alive),
  subject('bear panda teddy ours oso koala', animals.bear, '#7d5233', 'forest', 1.4, alive),
  subject('rabbit bunny hare lapin conejo mouse', animals.rabbit, '#b9a692', 'field', 1.2, alive),
  subject(
    'bird robin sparrow parrot owl oiseau pajaro duck chicken eagle',
    animals.bird,
    '#3f7fb5',
    'field',
    1.25,
    alive,
  ),
  subject('fish goldfish poisson pez pescado shark whale', animals.fish, '#ee7f33', 'deep', 1.35, {
    ...alive,
    rests: 'air',
  }),
  subject('robot android machine', animals.robot, '#d7d2c6', 'studio', 1.3),
  subject(
    'person man woman boy girl child portrait people astronaut knight homme femme enfant hombre mujer nino nina persona',
    animals.person,
    '#3f6fae',
    'field',
    1.45,
  ),
  subject('bottle flask bouteille botella perfume wine vin vino', things.bottle, '#3f8a57', 'studio', 1.5),
  subject('apple pear tomato fruit pomme manzana cherry', things.apple, '#cf3530', 'studio', 1.15),
  subject('lamp lantern lampe lampara', things.lamp, '#d8a86a', 'studio', 1.4),
  subject('chair stool armchair sofa chaise silla', things.chair, '#b0713f', 'studio', 1.4),
  subject('cup mug coffee tea teacup tasse cafe taza', things.cup, '#4f7fa0', 'studio', 1.25),
  subject('book novel livre libro notebook', things.book, '#a6403c', 'studio', 1.25),
  subject('bicycle bike cycle velo bicyclette bicicleta', things.bicycle, '#2f6f73', 'street', 1.35),
  subject('car auto automobile taxi voiture coche carro truck', things.car, '#d24b3e', 'street', 1.1),
  subject('balloon ballon globo', things.balloon, '#e0533d', 'field', 1.3, { rests: 'air' }),
  subject('guitar violin guitare guitarra', things.guitar, '#b8733a', 'studio', 1.35),
  subject('lighthouse phare faro', landmarks.lighthouse, '#c8392f', 'sea', 1.55, { rests: 'water' }),
  subject('boat ship sailboat sail bateau voilier barco velero', landmarks.boat, '#2f5d8c', 'sea', 1.2, {
    rests: 'water',
  }),
  subject('house cottage cabin home hut barn maison casa castle church', landmarks.house, '#e8dcc3', 'field', 1.3),
  subject('snowman', landmarks.snowman, '#c8392f', 'snow', 1.4),
  subject('mushroom toadstool champignon seta', landmarks.mushroom, '#cc3a2e', 'forest', 1.25),
  subject('flower rose tulip daisy sunflower fleur flor bouquet', landmarks.flower, '#e3697f', 'field', 1.4),
  subject('cactus', landmarks.cactus, '#4c8f56', 'desert', 1.35),
  subject('tree oak arbre arbol maple', landmarks.tree, '#6da544', 'field', 1.6, { keeps: 0.3 }),
  subject('pine fir spruce sapin pino', landmarks.pine, '#3f7f54', 'mountain', 1.6, { keeps: 0.4 }),
  subject('city skyline town tower skyscraper building ville ciudad', landmarks.city, '#5c6b86', 'street', 1.35),
]

const [boat, pine, tree, cactus] = ['boat', 'pine', 'tree', 'cactus'].map(
  (word) => subjects.find(({ words }) => words.split(' ').includes(word))!,
)

/** Stands for what has no row. Its colour is the seed's. */
export const unknownSubject = subject('', landmarks.sculpture, '#000000', 'studio', 1.3)

/** Words for places, and what stands there if the prompt names nothing that can. */
export const places: readonly (Row & { readonly place: PlaceName; readonly subject: SubjectRow })[] = [
  { words: 'sea ocean lake water river harbour harbor wave mer oceano mar lac lago', place: 'sea', subject: boat! },
  { words: 'beach shore coast sand island plage playa isla', place: 'beach', subject: boat! },
  { words: 'underwater reef aquarium coral', place: 'deep', subject: unknownSubject },
  { words: 'snow snowy winter ice icy neige hiver nieve invierno arctic', place: 'snow', subject: pine! },
  { words: 'mountain hill peak alps valley montagne montana cliff', place: 'mountain', subject: pine! },
  { words: 'forest wood jungle foret bosque', place: 'forest', subject: tree! },
  { words: 'desert dune desierto', place: 'desert', subject: cactus! },
  { words: 'street road urban rue calle market', place: 'street', subject: unknownSubject },
  { words: 'field meadow garden grass park farm countryside champ jardin campo', place: 'field', subject: tree! },
  { words: 'studio table room kitchen desk indoor shelf product wall mesa', place: 'studio', subject: unknownSubject },
  { words: 'space mars galaxy cosmos planet universe nebula espace espacio', place: 'space', subject: unknownSubject },
]

/** Times of day. */
export type TimeName = 'day' | 'dusk' | 'night'

/** Words for times. */
export const times: readonly (Row & { readonly time: TimeName })[] = [
  { words: 'night midnight moon moonlit moonlight star starry dark nuit lune noche luna estrella', time: 'night' },
  { words: 'dusk dawn sunset sunrise evening twilight golden crepuscule aube atardecer amanecer soir', time: 'dusk' },
]

/** What may fall, or hang in the air. */
export type WeatherName = 'snow' | 'rain' | 'fog'

/** Words for weather. */
export const weathers: readonly (Row & { readonly weather: WeatherName })[] = [
  { words: 'snow snowy snowing snowfall winter neige hiver nieve invierno blizzard', weather: 'snow' },
  { words: 'rain rainy raining storm stormy pluie orage lluvia tormenta', weather: 'rain' },
  { words: 'fog foggy mist misty haze brume brouillard niebla', weather: 'fog' },
]

/** Words for colours. */
export const colours: readonly (Row & { readonly colour: string })[] = [
  { words: 'red scarlet crimson ruby rouge rojo roja', colour: '#c92f2a' },
  { words: 'orange', colour: '#ea7d25' },
  { words: 'yellow gold golden jaune amarillo amarilla', colour: '#ecb92e' },
  { words: 'green emerald vert verte verde', colour: '#35884f' },
  { words: 'teal turquoise cyan', colour: '#1f8f97' },
  { words: 'blue azure navy bleu bleue azul', colour: '#2f66b8' },
  { words: 'purple violet violette morado morada', colour: '#7447a8' },
  { words: 'pink rose magenta rosa', colour: '#e27a9f' },
  { words: 'brown wooden marron', colour: '#80522f' },
  { words: 'black noir noire negro negra', colour: '#33323a' },
  { words: 'white blanc blanche blanco blanca', colour: '#efece4' },
  { words: 'grey gray silver gris', colour: '#8f9299' },
]

/** Words for how many. */
export const counts: readonly (Row & { readonly count: number })[] = [
  { words: 'two pair couple both deux dos', count: 2 },
  { words: 'three trio trois tres', count: 3 },
  { words: 'four five six several many some few group quatre cuatro', count: 4 },
]

/** The words of a text: small letters, without accents. */
export const splitWords = (text: string): string[] =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')

/** The first row that has a word, or that has it in the singular. */
export function findRow<Found extends Row>(rows: readonly Found[], word: string): Found | undefined {
  const find = (form: string) => rows.find(({ words }) => words.split(' ').includes(form))
  return find(word) ?? find(word.replace(/s$/, '')) ?? find(word.replace(/(es|x)$/, ''))
}

/** The first row that any of the words belongs to, and which of them that was. */
export function findFirst<Found extends Row>(
  rows: readonly Found[],
  words: readonly string[],
): { readonly row: Found; readonly at: number } | null {
  for (const [at, word] of words.entries()) {
    const row = findRow(rows, word)
    if (row) return { row, at }
  }
  return null
}
