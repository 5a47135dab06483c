/** Accepted tokens by caller: the current one first, then those that are still valid. */
export type CallerTokens = Readonly<Record<string, readonly string[]>>;
