/**
 * Kinds of `credential`: a key of the Claude Console (`sk-ant-api…`), a token (`sk-ant-oat…`), one that Anthropic or Google
 * gives in exchange for the cluster's own token, and a key for Amazon Bedrock.
 */
export const credentialKinds = ["apiKey", "oauth", "federated", "google", "bedrockKey"] as const;

/** Value of `credential.kind`. */
export type CredentialKind = (typeof credentialKinds)[number];

/** Kinds that the config stores, and that the upstream takes as they are. */
export type StoredKind = "apiKey" | "oauth" | "bedrockKey";

/** Kinds that Envoy's pod makes itself, and renews before they end. No secret is stored. */
export type MintedKind = "federated" | "google";

/** Whether a kind is minted. */
export function isMinted(kind: CredentialKind): kind is MintedKind {
  return kind === "federated" || kind === "google";
}

/** Accepted tokens by caller: the current one first, then older ones that are still valid. */
export type CallerTokens = Readonly<Record<string, readonly string[]>>;
