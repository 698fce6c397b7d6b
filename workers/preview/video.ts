import type { FrameEncoder } from './frame-encoder.ts'
import { createPainter, type Size } from './paint.ts'
import type { Scene } from './scene.ts'
import { writeWebm } from './webm.ts'

/** What a video is made of. */
export interface VideoPlan extends Size {
  readonly seconds: number
  readonly frameRate: number
}

/** Paints the frame at a moment: opaque RGBA into `pixels`. */
function paintFrame(scene: Scene, size: Size, time: number, pixels: Uint8Array): void {
  const { width, height } = size
  const draw = createPainter(scene, size, time)
  const row = new Uint8Array(width * 3)
  for (let y = 0, to = 0; y < height; y += 1) {
    draw(y, row, 0)
    for (let from = 0; from < row.length; from += 3, to += 4) {
      pixels[to] = row[from]!
      pixels[to + 1] = row[from + 1]!
      pixels[to + 2] = row[from + 2]!
      pixels[to + 3] = 255
    }
  }
}

/**
 * Paints a scene for some seconds, as WebM. `rest` is called after each frame, and gives others their turn; where it
 * answers false the work is not wanted any more, and the result is null.
 */
export async function renderVideo(
  scene: Scene,
  plan: VideoPlan,
  encoder: FrameEncoder,
  rest: () => Promise<boolean>,
): Promise<readonly Uint8Array[] | null> {
  const pixels = new Uint8Array(plan.width * plan.height * 4)
  const frames: Uint8Array[] = []
  for (let i = 0; i < plan.seconds * plan.frameRate; i += 1) {
    paintFrame(scene, plan, i / plan.frameRate, pixels)
    frames.push(await encoder.encode(pixels, plan))
    if (!(await rest())) return null
  }
  return writeWebm(frames, plan, plan.frameRate)
}
