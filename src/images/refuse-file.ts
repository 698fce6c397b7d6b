import { ApiError } from '../errors.ts'

/** Refuses a file to be hosted. `what` ends a sentence that begins with "The file". */
export function refuseFile(what: string, remedy = 'send a sound file'): never {
  throw new ApiError('unsupported_format', { message: `The file ${what}; ${remedy}.` })
}

/** Refuses a file that ends before the format called `name` says that it does. */
export function refuseTruncated(name: string): never {
  refuseFile(`is a truncated ${name}`, 'send the whole file')
}
