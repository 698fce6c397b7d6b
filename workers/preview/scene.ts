import { createColour, darken, lighten, mix, type Rgb, readHex } from './colour.ts'
import { createColours, type Part } from './part.ts'
import { createRandom, type Random } from './random.ts'
import {
  colours,
  counts,
  findFirst,
  type PlaceName,
  places,
  type SubjectRow,
  splitWords,
  subjects,
  type TimeName,
  times,
  unknownSubject,
  type WeatherName,
  weathers,
} from './words.ts'

/** One thing that the picture shows. Places are in halves of the shorter side, from the middle; depths from the horizon. */
export interface Figure {
  readonly parts: readonly Part[]
  readonly x: number
  /** How far below the horizon it stands, or above it hangs. */
  readonly depth: number
  readonly size: number
  /** How much room it takes from side to side. */
  readonly width: number
  readonly isMirrored: boolean
  readonly rests: SubjectRow['rests']
}

/** Sun or moon. */
export interface Disc {
  readonly x: number
  /** Above the horizon. */
  readonly height: number
  readonly radius: number
  /** How wide its edge is, in radii: one that is sharp would be a second subject. */
  readonly blur: number
  readonly colour: Rgb
}

/** What a prompt shows: all that is decided before a pixel is painted, whatever the size. */
export interface Scene {
  readonly place: PlaceName
  readonly weather: WeatherName | null
  /** From the top down to the horizon. */
  readonly sky: readonly [Rgb, Rgb, Rgb]
  /** From the horizon down. */
  readonly ground: readonly [Rgb, Rgb]
  /** Sun or moon, if any. */
  readonly disc: Disc | null
  /** 0 to 1. */
  readonly stars: number
  readonly clouds: number
  readonly cloudColour: Rgb
  /** Lines of hills, the farthest first. */
  readonly ridges: readonly { readonly height: number; readonly roughness: number; readonly colour: Rgb }[]
  /** The colour of the dark, and how much of it lies on everything. */
  readonly shade: { readonly colour: Rgb; readonly share: number }
  readonly figures: readonly Figure[]
  /** Where in the endless noise this picture lies. */
  readonly offset: number
}

const skies: Readonly<Record<TimeName | WeatherName | 'deep' | 'space', readonly [string, string, string]>> = {
  day: ['#3f8fd2', '#8cc6ee', '#e4f1ee'],
  dusk: ['#35386f', '#c9667a', '#ffd190'],
  night: ['#060a24', '#101d48', '#2f4a7c'],
  snow: ['#a9bfd6', '#cfdbe7', '#eef0f2'],
  rain: ['#55626f', '#7f8d9a', '#b3bcc1'],
  fog: ['#b4bfc4', '#cdd3d3', '#dfe1dd'],
  deep: ['#4fc0cf', '#1f86ab', '#0f4a78'],
  space: ['#05061a', '#140f38', '#2c1c55'],
}

const grounds: Readonly<Record<Exclude<PlaceName, 'studio'>, readonly [string, string]>> = {
  field: ['#a9c27a', '#4f7d3c'],
  snow: ['#eef3fa', '#ffffff'],
  sea: ['#7fb2c4', '#12496b'],
  beach: ['#ecd9ac', '#d3ae72'],
  mountain: ['#93a878', '#4c6a42'],
  forest: ['#7f9a5a', '#34502f'],
  desert: ['#efcf98', '#cf9350'],
  street: ['#a7a6a8', '#6c6b72'],
  space: ['#2c1c55', '#05061a'],
  deep: ['#2a6f8f', '#c9b886'],
}

const [white, night] = [readHex('#ffffff'), readHex('#0a1233')]

function createSky(place: PlaceName, time: TimeName, weather: WeatherName | null, wall: Rgb): Scene['sky'] {
  if (place === 'studio') return [darken(wall, time === 'night' ? 0.75 : 0.3), wall, lighten(wall, 0.3)]
  const name = place === 'deep' || place === 'space' ? place : time === 'night' ? time : (weather ?? time)
  const [top, middle, low] = skies[name]
  return [readHex(top), readHex(middle), readHex(low)]
}

function createRidges(place: PlaceName, sky: Scene['sky'], ground: Rgb, random: Random): Scene['ridges'] {
  const heights: Partial<Record<PlaceName, readonly (readonly [height: number, roughness: number])[]>> = {
    field: [
      [0.2, 1.2],
      [0.09, 2],
    ],
    snow: [
      [0.42, 2],
      [0.13, 1.6],
    ],
    mountain: [
      [0.85, 2.2],
      [0.5, 2.6],
      [0.14, 2],
    ],
    forest: [
      [0.5, 9],
      [0.3, 13],
    ],
    desert: [
      [0.16, 1.1],
      [0.08, 1.5],
    ],
    beach: [[0.1, 1.6]],
    deep: [[0.3, 3]],
  }
  return (heights[place] ?? []).map(([height, roughness], i, { length }) => {
    const rock = place === 'mountain' && i < length - 1 ? readHex('#5b6d8e') : darken(ground, 0.25)
    return {
      height: height * (0.85 + random() * 0.3),
      roughness,
      // The farther, the more air before them.
      colour: mix(rock, mix(sky[1], sky[2], 0.5), 0.62 - (i / length) * 0.4),
    }
  })
}

/** The colour that the prompt gives to the word at `at`, which stands beside it; any if there is no such word. */
function findColour(words: readonly string[], at: number | null): Rgb | null {
  const near = at === null ? words : [...words.slice(Math.max(0, at - 3), at).reverse(), ...words.slice(at + 1, at + 2)]
  const found = findFirst(colours, near)
  return found && readHex(found.row.colour)
}

/** How wide and high a thing is, what hardly shows left out. */
function measure(parts: readonly Part[]): { wide: number; high: number } {
  const boxes = parts.filter(({ alpha }) => alpha > 0.2).map(({ shape }) => shape.box)
  const half = Math.max(...boxes.map(([left, , right]) => Math.max(-left, right)))
  return { wide: half * 2, high: -Math.min(...boxes.map(([, top]) => top)) }
}

function createFigures(row: SubjectRow, main: Rgb, count: number, random: Random): Figure[] {
  const { wide, high } = measure(row.drawing(createColours(main), () => 0.5))
  // Fewer are larger. All stay in the picture, also in a tall one.
  const size = Math.min(row.size * (count === 1 ? 1 : 1.2 / Math.sqrt(count)), 1.46 / high, 1.76 / (wide * count))
  const gap = size * wide * 1.04
  return Array.from({ length: count }, (_, i): Figure => {
    const turn = (random() - 0.5) * 0.08
    const tone = mix(main, random() < 0.5 ? white : night, count === 1 ? 0 : random() * 0.14)
    return {
      parts: row.drawing(createColours(tone), random),
      x: (i - (count - 1) / 2) * gap + turn,
      depth: row.rests === 'air' ? 0.02 - size * 0.1 : 0.36 + (i % 2) * 0.07 + random() * 0.04,
      size: size * (0.96 + random() * 0.06),
      width: size * wide,
      isMirrored: random() < 0.5,
      rests: row.rests,
    }
    // Those behind are painted first.
  }).sort((a, b) => a.depth - b.depth)
}

function choosePlace(named: PlaceName | undefined, row: SubjectRow, weather: WeatherName | null): PlaceName {
  const place = named ?? (weather === 'snow' ? 'snow' : weather && row.place === 'studio' ? 'street' : row.place)
  return place === 'sea' && row.rests === 'ground' ? 'beach' : place
}

/** Decides what a prompt shows. The same text always shows the same. */
export async function createScene(prompt: string): Promise<Scene> {
  const random = createRandom(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(prompt))))
  const words = splitWords(prompt)
  const subject = findFirst(subjects, words)
  const named = findFirst(places, words)?.row
  const time = findFirst(times, words)?.row.time ?? 'day'
  const weather = findFirst(weathers, words)?.row.weather ?? null
  const count = findFirst(counts, words)?.row.count ?? 1
  const hue = random()
  const row = subject?.row ?? named?.subject ?? unknownSubject
  const own = row === unknownSubject ? createColour(hue, 0.5 + random() * 0.2, 0.5) : readHex(row.colour)
  const asked = findColour(words, subject?.at ?? null)
  const main = asked ? mix(asked, own, row.keeps) : own
  const place = choosePlace(named?.place, row, weather)

  const isDark = time === 'night' || place === 'space'
  const wall = createColour((hue + 0.08) % 1, 0.2 + random() * 0.12, 0.74)
  const sky = createSky(place, time, weather, wall)
  const [far, near] = place === 'studio' ? [lighten(wall, 0.42), darken(wall, 0.16)] : grounds[place].map(readHex)
  const shade = isDark
    ? { colour: night, share: { studio: 0.3, space: 0.14 }[place as string] ?? 0.42 }
    : time === 'dusk'
      ? { colour: readHex('#6a2f52'), share: 0.26 }
      : { colour: night, share: weather === 'rain' ? 0.16 : 0 }
  const dim = (colour: Rgb) => mix(colour, shade.colour, place === 'space' ? 0 : Math.min(0.8, shade.share * 1.5))
  const isOpen = place !== 'studio' && place !== 'deep'
  const side = random() < 0.5 ? -1 : 1
  const hasDisc = isOpen && (weather === null || isDark) && place !== 'forest'
  return {
    place,
    weather,
    sky,
    ground: [mix(dim(far!), sky[2], place === 'studio' ? 0 : 0.3), dim(near!)],
    disc: hasDisc
      ? {
          x: side * (0.5 + random() * 0.25),
          height: time === 'dusk' ? 0.16 + random() * 0.12 : 0.75 + random() * 0.25,
          blur: isDark ? 0.04 : 0.75,
          radius: isDark ? 0.11 : 0.1 + random() * 0.03,
          colour: isDark ? readHex('#f3efdc') : readHex(time === 'dusk' ? '#fff0c0' : '#fffbe6'),
        }
      : null,
    stars: isDark && isOpen ? 1 : 0,
    clouds: !isOpen || place === 'space' ? 0 : isDark ? 0.25 : weather ? 0.8 : 0.55 + random() * 0.25,
    cloudColour: isDark
      ? readHex('#3c5080')
      : time === 'dusk'
        ? readHex('#f4a58a')
        : weather === 'rain'
          ? readHex('#4d5863')
          : white,
    ridges: createRidges(place, sky, dim(near!), random).map((ridge) => ({
      ...ridge,
      colour: isDark ? mix(ridge.colour, night, 0.4) : ridge.colour,
    })),
    shade,
    figures: createFigures(row, main, count, random),
    offset: 10 + random() * 900,
  }
}
