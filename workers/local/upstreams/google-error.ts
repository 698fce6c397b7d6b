import type { WriteError } from './simulator.ts'

/** Errors as Google's APIs write them (AIP-193). */
export const writeGoogleError: WriteError = (status, code, message, details) =>
  Response.json({ error: { code: status, message, status: code, ...(details && { details }) } }, { status })
