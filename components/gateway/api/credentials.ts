/** Kind of the real credential: a key of the Claude Console (`sk-ant-api…`), or an OAuth token (`sk-ant-oat…`). */
export type CredentialKind = "apiKey" | "oauth";

/** Accepted tokens by caller: the current one first, then older ones that are still valid. */
export type CallerTokens = Readonly<Record<string, readonly string[]>>;
