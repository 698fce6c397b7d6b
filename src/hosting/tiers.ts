const MB = 1024 * 1024
const DAY_S = 24 * 60 * 60

/** What an upload may be and how long it is kept. Contract, "Hosting". */
export const tiers = {
  free: { maxBytes: MB, lifeSeconds: 7 * DAY_S },
  paid: { maxBytes: 5 * MB, lifeSeconds: 365 * DAY_S },
} as const

export type Tier = keyof typeof tiers

/** The shortest life that an uploader may choose, in seconds. */
export const minLifeSeconds = 60 * 60
