/** A model that could not be pulled, or is not the one its row describes. Its message says why, and what to do. */
export class PullError extends Error {}
