import { openAlpha, type Plane, readPlane, resizeAlpha } from './pictures.ts'

/** How thick a difference must be to be more than a matter of edges, for each pixel of the longer side. */
const thick = 0.016

/** sharp takes what is dark for the object: its `dilate` makes what is bright smaller, its `erode` larger. */
const shrink = (marks: Plane, by: number): Promise<Plane> => readPlane(openAlpha(marks).dilate(by).extractChannel(0))
const grow = (marks: Plane, by: number): Promise<Plane> => readPlane(openAlpha(marks).erode(by).extractChannel(0))

/**
 * A teacher's matte, mended by a mask that somebody drew: people know what belongs to a subject, such as a bag that the
 * teacher leaves out, and the teacher knows where it ends. Where they differ by more than an edge, the mask is right.
 */
export async function mendMatte(alpha: Plane, rough: Plane): Promise<Plane> {
  const { width, height } = alpha
  const drawn = await resizeAlpha(rough, width, height)
  const radius = Math.max(1, Math.round((Math.max(width, height) * thick) / 2))
  const differs = alpha.data.map((a, i) => (a > 127 === drawn.data[i]! > 127 ? 0 : 255))
  const large = await grow(await shrink({ width, height, data: Buffer.from(differs) }, radius), radius + 1)
  const data = Buffer.from(alpha.data.map((a, i) => (large.data[i]! > 127 ? drawn.data[i]! : a)))
  return { width, height, data }
}
