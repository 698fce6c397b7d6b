/** What a command was asked and cannot do. Its message says what is wrong and what would be right. */
export class UsageError extends Error {}
