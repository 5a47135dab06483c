import type { HeaderPair } from "../client/raw-client.ts";
import { type Check, kept, lost, type Outcome } from "./check.ts";
import { answerHeaders } from "./answer-headers.ts";
import { apiVersion } from "./api-version.ts";
import { excerpt, headerDifferences, quoted } from "./compare.ts";
import { conversation, headerOf, newMarker, relay, type Relayed } from "./relay.ts";

/** Checks the head of the request that the upstream received. */
function sentUp(
  name: string,
  title: string,
  protects: string,
  sent: { readonly headers?: readonly HeaderPair[]; readonly path?: string },
  judge: (relayed: Relayed & { record: NonNullable<Relayed["record"]> }) => Outcome,
): Check {
  return {
    id: `headers.${name}`,
    title,
    protects,
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const relayed = await relay(context, marker, { body: conversation(marker), ...sent });
      const { record, response } = relayed;
      return record === undefined
        ? lost(
            "refused",
            `the request did not reach the upstream: ${response.head?.status ?? "no answer"} ${excerpt(response.body)}`,
          )
        : judge({ ...relayed, record });
    },
  };
}

/** Checks that headers arrive with the values that were sent. */
function arriving(
  name: string,
  title: string,
  protects: string,
  headers: readonly HeaderPair[],
): Check {
  return sentUp(name, title, protects, { headers }, ({ record }) => {
    const names = [...new Set(headers.map(([header]) => header))];
    const changed = names.flatMap((header) => {
      const before = headerOf(headers, header);
      const after = headerOf(record.headers, header);
      return after === before
        ? []
        : [`${header} ${after === undefined ? "is missing" : `became ${quoted(after)}`}`];
    });
    return changed.length === 0
      ? kept(
          names.map((header) => `${header}: ${headerOf(record.headers, header) ?? ""}`).join("; "),
        )
      : lost("changed", changed.join("; "));
  });
}

function target(name: string, title: string, protects: string, path: string): Check {
  return sentUp(name, title, protects, { path }, ({ record }) =>
    record.url === path
      ? kept(`the API got a request for ${path}`)
      : lost("changed", `the API got a request for ${record.url}`),
  );
}

const BETAS =
  "zeta-2099-01-01,claude-code-20250219,interleaved-thinking-2025-05-14,alpha-2099-02-02,fine-grained-tool-streaming-2025-05-14";

/** Headers that Claude Code sends and the other requests here do not; each has its own value. */
const CLIENT_HEADERS: readonly HeaderPair[] = [
  ["Accept", "application/json"],
  ["User-Agent", "claude-cli/2.1.331 (external, cli)"],
  ["x-app", "cli"],
  ["anthropic-dangerous-direct-browser-access", "true"],
  ["X-Stainless-Lang", "js"],
  ["X-Stainless-Retry-Count", "0"],
  ["Accept-Encoding", "gzip, deflate, br, zstd"],
];

const noneAdded = sentUp(
  "nothing-added",
  "The gateway adds no request headers",
  "Added headers reveal your network to the API and show that a proxy sent the request.",
  { headers: CLIENT_HEADERS },
  ({ record }) => {
    const sent: HeaderPair[] = [
      ["anthropic-version", ""],
      ["content-type", ""],
      ["authorization", ""],
      ["x-api-key", ""],
      ...CLIENT_HEADERS,
    ];
    const { added } = headerDifferences(sent, record.headers);
    return added.length === 0
      ? kept(`${record.headers.length} headers arrived, all from the agent except the credential`)
      : lost("added", added.join(", "));
  },
);

export const headers: readonly Check[] = [
  target(
    "query",
    "?beta=true arrives",
    "Claude Code requests /v1/messages?beta=true. Without the query the API behaves as another version.",
    "/v1/messages?beta=true",
  ),
  target(
    "query-unknown",
    "An unknown query arrives as written",
    "Only the API decides what a query means.",
    "/v1/messages?beta=true&future=a%20b+c&empty=&flag",
  ),
  sentUp(
    "version",
    "anthropic-version arrives",
    "The API rejects requests without it.",
    {},
    ({ record }) => {
      const version = headerOf(record.headers, "anthropic-version");
      return version === "2023-06-01" ? kept(version) : lost("changed", version ?? "it is missing");
    },
  ),
  arriving(
    "betas",
    "anthropic-beta arrives unchanged and in order",
    "Each beta turns a feature on. If one is dropped, the feature is silently off.",
    [["anthropic-beta", BETAS]],
  ),
  arriving(
    "betas-in-lines",
    "anthropic-beta in several header lines arrives complete",
    "HTTP allows a header to be repeated. A gateway may pass on only the first line.",
    [
      ["anthropic-beta", "zeta-2099-01-01"],
      ["anthropic-beta", "alpha-2099-02-02"],
    ],
  ),
  arriving(
    "unknown-anthropic",
    "Unknown anthropic-* headers arrive",
    "By Anthropic's contract a gateway passes on all of them.",
    [
      ["anthropic-future-header", "value; with=parameters"],
      ["anthropic-workspace-id", "wrkspc_0123"],
    ],
  ),
  arriving(
    "claude-code",
    "x-claude-code-* headers arrive",
    "They connect requests to sessions and agents. By Anthropic's contract a gateway may drop them; ours must not.",
    [
      ["x-claude-code-session-id", "7f0e8a4c-0000-4000-8000-000000000000"],
      ["x-claude-code-agent-id", "agent-1"],
    ],
  ),
  arriving(
    "gateway-hints",
    "The x-claude-code-* hints for gateways arrive",
    "With CLAUDE_CODE_GATEWAY_HINT_HEADERS=1 Claude Code says what a request is for. A second gateway behind this one may need it.",
    [
      ["x-claude-code-request-class", "main"],
      ["x-claude-code-agent-type", "general-purpose"],
      ["x-claude-code-prev-tool-durations", "Bash=42"],
      ["x-claude-code-compaction", "auto"],
      ["x-claude-code-context-compacted", "1"],
      ["x-claude-code-prompt-id", "ac2fe81e-bc87-49f6-991c-de06373366a2"],
    ],
  ),
  arriving(
    "user-agent",
    "The client's User-Agent arrives",
    "The API's behavior depends on the client's version.",
    [
      ["User-Agent", "claude-cli/2.1.331 (external, cli)"],
      ["x-app", "cli"],
    ],
  ),
  arriving(
    "accept-encoding",
    "Accept-Encoding arrives",
    "If the gateway requests other encodings, the client may get answers that it cannot read.",
    [["Accept-Encoding", "gzip, deflate, br, zstd"]],
  ),
  noneAdded,
  apiVersion,
  ...answerHeaders,
];
