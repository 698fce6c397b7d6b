/** A number from 0 to 1 for a place in a row: without order to the eye, and the same in every run. */
function scatter(i: number): number {
  const mixed = Math.imul(i ^ (i >>> 15) ^ 0x2c1b3c6d, 0x297a2d39)
  return ((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32
}

const round = (value: number): string => value.toFixed(1)

/** Strands that leave a ball in all directions, thin and bent. */
function drawStrands(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count
    const [length, bend] = [30 + 45 * scatter(i), (scatter(i * 7 + 3) - 0.5) * 0.5]
    const at = (radius: number, turn: number) =>
      `${round(427 + radius * Math.cos(angle + turn))} ${round(250 + radius * Math.sin(angle + turn))}`
    const shade = Math.round(70 + 90 * scatter(i * 3 + 1))
    const colour = `rgb(${shade},${Math.round(shade * 0.7)},${Math.round(shade * 0.45)})`
    const path = `M${at(135, 0)} Q${at(145 + length / 2, bend / 2)} ${at(140 + length, bend)}`
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${round(1 + 1.5 * scatter(i * 5))}"/>`
  }).join('')
}

/** A leaf that leaves a stem at a height, to one side. */
function drawLeaf(y: number, side: 1 | -1, colour: string): string {
  const [x, tip] = [427 + side * 4, 427 + side * 130]
  return `<path d="M${x} ${y} Q${x + side * 50} ${y - 70} ${tip} ${y - 60} Q${x + side * 90} ${y} ${x} ${y}" fill="${colour}"/>`
}

const gradient = (id: string, light: string, dark: string): string =>
  `<radialGradient id="${id}" cx="0.38" cy="0.32" r="0.75"><stop offset="0" stop-color="${light}"/>` +
  `<stop offset="1" stop-color="${dark}"/></radialGradient>`

/** Drawings for a canvas of 854 x 480: strands, a hole, thin parts, and a part that is half transparent. */
export const drawings = {
  fur:
    gradient('fur', '#c8946a', '#5a3a22') +
    `<circle cx="427" cy="250" r="150" fill="url(#fur)"/>${drawStrands(260)}` +
    '<circle cx="380" cy="225" r="14" fill="#18120e"/><circle cx="474" cy="225" r="14" fill="#18120e"/>' +
    '<ellipse cx="427" cy="280" rx="22" ry="15" fill="#2c1a14"/>',
  ring:
    gradient('ring', '#f4d57a', '#8a5a12') +
    '<path fill-rule="evenodd" fill="url(#ring)" d="M427 70a170 170 0 1 0 .1 0Z M427 140a100 100 0 1 1 -.1 0Z"/>',
  plant:
    '<path d="M427 440 C420 330 434 230 427 60" fill="none" stroke="#3c6b2a" stroke-width="7"/>' +
    [120, 200, 280, 350]
      .map((y, i) => drawLeaf(y, 1, `hsl(105,45%,${26 + i * 5}%)`) + drawLeaf(y + 30, -1, `hsl(95,42%,${30 + i * 4}%)`))
      .join('') +
    '<path d="M367 430h120l-16 50h-88z" fill="#b5562e"/>',
  veil:
    gradient('veil', '#e06a7c', '#7a1830') +
    '<path d="M427 60 C560 120 640 300 610 480 L244 480 C214 300 294 120 427 60" fill="#f2f4f8" fill-opacity="0.45"/>' +
    '<path d="M427 110 C490 150 520 300 505 480 L349 480 C334 300 364 150 427 110" fill="url(#veil)"/>',
} as const
