import sharp from 'sharp'

/** A small copy, for tests that are about money. */
export const shrink = (picture: Buffer, width = 360): Promise<Buffer> =>
  sharp(picture).resize({ width }).jpeg({ quality: 90 }).toBuffer()
