import { expect, test } from 'vitest'
import { describeWarning, refuseJpeg } from '../../workers/matte/jpeg-warnings.ts'

test.each([
  [[], null],
  [['Corrupt JPEG data: 7 extraneous bytes before marker 0xd9'], null],
  [['Unknown Adobe color transform code 5'], null],
  [['Invalid SOS parameters for sequential JPEG'], null],
  [['Premature end of JPEG file'], 'truncated'],
  [['Corrupt JPEG data: premature end of data segment'], 'truncated'],
  [['Corrupt JPEG data: bad Huffman code'], 'damaged'],
  [['Corrupt JPEG data: found marker 0xd9 instead of RST3'], 'damaged'],
  [['Corrupt JPEG data: 7 extraneous bytes before marker 0xd9', 'Premature end of JPEG file'], 'truncated'],
])('%j means %j', (warnings, fault) => expect(describeWarning(warnings)).toBe(fault))

test('a fault is invalid_image with a sentence', () => {
  expect(refuseJpeg('truncated')).toMatchObject({
    code: 'invalid_image',
    message: expect.stringMatching(/truncated JPEG/),
  })
  expect(refuseJpeg('damaged')).toMatchObject({ code: 'invalid_image', message: expect.stringMatching(/damaged JPEG/) })
})
