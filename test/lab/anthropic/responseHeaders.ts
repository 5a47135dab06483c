import type { CredentialKind } from "./credentials.ts";
import { rayId, traceId } from "./identifiers.ts";
import type { Header } from "./header.ts";
import { rateLimitHeaders } from "./rateLimits.ts";

/** The organization of every accepted credential. */
const ORGANIZATION_ID = "5c9f0a52-3c1d-4f0e-9f57-6d0f2b7c1a10";
const WORKSPACE_ID = "wrkspc_01LabWorkspaceOfTheLab11";

/** Headers that Cloudflare adds in front of the API. */
export function edgeHeaders(): Header[] {
  return [
    ["Server", "cloudflare"],
    ["cf-cache-status", "DYNAMIC"],
    ["CF-RAY", rayId()],
    ["X-Robots-Tag", "none"],
  ];
}

/** Headers that Google's load balancer adds between Cloudflare and the API. */
function balancerHeaders(): Header[] {
  return [
    ["x-cloud-trace-context", traceId()],
    ["via", "1.1 google"],
  ];
}

/** Statuses below 500 that are worth a retry. */
const RETRIED = new Set([408, 409, 429]);

/** What the headers of an answer depend on. */
export interface Answering {
  readonly status: number;
  readonly requestId: string;
  readonly contentType: string;
  /** Missing if no credential was accepted; then the API sends no limits. */
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
      : ([
          ["anthropic-organization-id", ORGANIZATION_ID],
          ["anthropic-workspace-id", WORKSPACE_ID],
        ] satisfies Header[])),
    ...balancerHeaders(),
    ...edgeHeaders(),
  ];
}

/** The headers of an error without a request id. */
export function bareErrorHeaders(): Header[] {
  return [["Content-Type", "application/json"], ...balancerHeaders(), ...edgeHeaders()];
}

/** Returns `headers` with those in `changes` replaced by name or added. */
export function withHeaders(headers: readonly Header[], changes: readonly Header[]): Header[] {
  const changed = new Set(changes.map(([name]) => name.toLowerCase()));
  return [...headers.filter(([name]) => !changed.has(name.toLowerCase())), ...changes];
}
