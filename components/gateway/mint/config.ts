import { ASSERTION_DIR, assertionPath, outputFile } from "./place.ts";

/** Audience of the assertion that Anthropic takes. */
export const ANTHROPIC_AUDIENCE = "https://api.anthropic.com";

/** Anthropic's federation: the identifiers from the Claude Console. */
export interface AnthropicSource {
  readonly kind: "anthropic";
  /** Where the exchange is. Default Anthropic's API. */
  readonly endpoint?: string;
  /** `fdrl_…`: the rule that the assertion must match. */
  readonly federationRule: string;
  /** The organization's UUID. */
  readonly organization: string;
  /** `svac_…`: the service account that the token acts as. */
  readonly serviceAccount: string;
  /** `wrkspc_…` or `default`. Needed if the rule is enabled for several workspaces. Default the rule's only one. */
  readonly workspace?: string | undefined;
}

/** Google's federation. */
export interface GoogleSource {
  readonly kind: "google";
  /** Where the exchange is. Default Google's Security Token Service. */
  readonly endpoint?: string;
  /** Where a token of a service account is. Default Google's. */
  readonly iamEndpoint?: string;
  /** `//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/providers/X` */
  readonly audience: string;
  /** E-mail address of a service account to act as. Default none: the token is the pool's own. */
  readonly impersonate?: string | undefined;
}

/** A GitHub App's installation. */
export interface GithubSource {
  readonly kind: "github";
  /** GitHub's API. Default GitHub's own. */
  readonly endpoint?: string;
  /** The App's id or client id. */
  readonly appId: string;
  readonly installationId: string;
  /** File with the App's private key, as PEM. */
  readonly privateKeyFile: string;
  /** Names of the repositories that the token is for, without their owner. */
  readonly repositories: readonly string[];
  /** What the token may do, for example `{ contents: "read" }`. */
  readonly permissions: Readonly<Record<string, string>>;
}

export type MintSource = AnthropicSource | GoogleSource | GithubSource;

/** Configuration of one credential, as `mint.mjs` reads it. */
export interface MintConfig {
  readonly source: MintSource;
  /** File with the assertion. Absent where none is needed. */
  readonly assertionFile?: string;
  /** File that Envoy watches. */
  readonly output: string;
  /** Name of the secret in that file. */
  readonly secretName: string;
  /** `token`: the token alone. `git`: a Basic credential with the token as its password. */
  readonly format: "token" | "git";
  /** A token is renewed so many seconds before its end, or after a third of its life if that is later. */
  readonly renewBeforeSeconds: number;
  /** Tokens for fewer seconds are refused. */
  readonly minLifetimeSeconds: number;
}

/**
 * Ten minutes without the token endpoint, and what the kubelet and retries take. Anthropic's own clients begin 120 s before the
 * end, when an assertion of 600 s is so old that the next token is a short one: it lives twice as long as its assertion at most.
 */
const RENEW_BEFORE_SECONDS = 720;

/** The kubelet makes a new assertion after 480 s, and takes up to 90 s to notice. The rest is for retries. */
export const MIN_LIFETIME_SECONDS = 900;

const ENDPOINTS = {
  anthropic: { endpoint: "https://api.anthropic.com" },
  google: {
    endpoint: "https://sts.googleapis.com",
    iamEndpoint: "https://iamcredentials.googleapis.com",
  },
  github: { endpoint: "https://api.github.com" },
} as const;

/** The configuration of the credential `name`, whose file and assertion are named after it. */
export function mintConfig(name: string, source: MintSource, secretName: string): MintConfig {
  return {
    source: { ...ENDPOINTS[source.kind], ...source },
    ...(source.kind !== "github" && {
      assertionFile: `${ASSERTION_DIR}/${assertionPath(name)}`,
    }),
    output: outputFile(name),
    secretName,
    format: source.kind === "github" ? "git" : "token",
    renewBeforeSeconds: RENEW_BEFORE_SECONDS,
    minLifetimeSeconds: MIN_LIFETIME_SECONDS,
  };
}

/** Audience of the assertion of a source, undefined if it needs none. Google's default is the provider's own name. */
export function audienceOf(source: MintSource): string | undefined {
  switch (source.kind) {
    case "anthropic":
      return ANTHROPIC_AUDIENCE;
    case "google":
      return `https:${source.audience}`;
    case "github":
      return undefined;
  }
}
