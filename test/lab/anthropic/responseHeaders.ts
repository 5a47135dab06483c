import type { CredentialKind } from "./credentials.ts";
import { rayId } from "./identifiers.ts";

/** A header as it goes over the wire: name in its own case, and value. */
export type Header = readonly [name: string, value: string];

/** The organization that every accepted credential belongs to. */
export const ORGANIZATION_ID = "5c9f0a52-3c1d-4f0e-9f57-6d0f2b7c1a10";

/** What Cloudflare adds in front of the API. */
export function edgeHeaders(): Header[] {
  return [
    ["Server", "cloudflare"],
    ["cf-cache-status", "DYNAMIC"],
    ["CF-RAY", rayId()],
    ["X-Robots-Tag", "none"],
  ];
}

const LIMITS = [
  ["requests", 4_000],
  ["input-tokens", 2_000_000],
  ["output-tokens", 400_000],
  ["tokens", 2_400_000],
] as const;

function rateLimitHeaders(kind: CredentialKind, exhausted: boolean): Header[] {
  const now = Date.now();
  if (kind === "oauth") {
    return [
      ["anthropic-ratelimit-unified-status", exhausted ? "rejected" : "allowed"],
      ["anthropic-ratelimit-unified-reset", String(Math.ceil(now / 1000) + 18_000)],
      ["anthropic-ratelimit-unified-representative-claim", "five_hour"],
    ];
  }
  const reset = new Date(now + 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return LIMITS.flatMap(([what, limit]): Header[] => [
    [`anthropic-ratelimit-${what}-limit`, String(limit)],
    [`anthropic-ratelimit-${what}-remaining`, String(exhausted ? 0 : limit - 1)],
    [`anthropic-ratelimit-${what}-reset`, reset],
  ]);
}

/** Statuses below 500 that are worth another try. */
const RETRIED = new Set([408, 409, 429]);

/** What the headers of an answer depend on. */
export interface Answering {
  readonly status: number;
  readonly requestId: string;
  readonly contentType: string;
  /** Absent where no credential was accepted: the API states no limits then. */
  readonly credential?: CredentialKind | undefined;
}

/** The headers of an answer from the API itself. */
export function apiHeaders(answer: Answering): Header[] {
  const { status, credential } = answer;
  return [
    ["Content-Type", answer.contentType],
    ...(answer.contentType.startsWith("text/event-stream")
      ? ([["Cache-Control", "no-cache"]] satisfies Header[])
      : []),
    ...(credential === undefined ? [] : rateLimitHeaders(credential, status === 429)),
    ...(status < 400
      ? []
      : ([["x-should-retry", String(RETRIED.has(status) || status >= 500)]] satisfies Header[])),
    ["request-id", answer.requestId],
    ["strict-transport-security", "max-age=31536000; includeSubDomains; preload"],
    ...(credential === undefined
      ? []
      : ([["anthropic-organization-id", ORGANIZATION_ID]] satisfies Header[])),
    ...edgeHeaders(),
  ];
}

/** `headers` with those in `changes` replaced by name, or added. */
export function withHeaders(headers: readonly Header[], changes: readonly Header[]): Header[] {
  const changed = new Set(changes.map(([name]) => name.toLowerCase()));
  return [...headers.filter(([name]) => !changed.has(name.toLowerCase())), ...changes];
}
