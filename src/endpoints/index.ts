import type { Endpoint } from '../endpoint.ts'
import { adminPayments } from './admin-payments.ts'
import { health } from './health.ts'
import { removeBackground } from './remove-background.ts'

/** Every URL of the API, in the order in which the documentation lists them. */
export const endpoints: readonly Endpoint[] = [removeBackground, health, adminPayments]
