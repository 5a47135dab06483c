import type { HeaderPair } from "../client/raw-client.ts";
import { type Check, kept, lost, type Outcome } from "./check.ts";
import { answerForClient, excerpt, headerDifferences, quoted } from "./compare.ts";
import { conversation, headerOf, newMarker, relay, type Relayed } from "./relay.ts";

/** Looks at what arrived of a request's head. */
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
            `it did not come through: ${response.head?.status ?? "no answer"} ${excerpt(response.body)}`,
          )
        : judge({ ...relayed, record });
    },
  };
}

/** Judges that headers arrive with the values that were sent. */
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
        : [`${header} ${after === undefined ? "is gone" : `became ${quoted(after)}`}`];
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
      ? kept(`the API was asked for ${path}`)
      : lost("changed", `the API was asked for ${record.url}`),
  );
}

const BETAS =
  "zeta-2099-01-01,claude-code-20250219,interleaved-thinking-2025-05-14,alpha-2099-02-02,fine-grained-tool-streaming-2025-05-14";

/** What Claude Code sends beside what every request here has; a value of its own for each. */
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
  "The API is told nothing that the agent did not say",
  "Added headers tell the API about your network, and mark requests as those of a proxy.",
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
      ? kept(`${record.headers.length} headers arrived, all of them the agent's or the credential`)
      : lost("added", added.join(", "));
  },
);

const NOT_RELAYED = lost("not-relayed", "the upstream was not asked, or did not answer");

/** Headers as the upstream sent them and as the client got them; without the latter nothing was relayed. */
function answerOf(relayed: Relayed) {
  const sent = answerForClient(relayed).headers;
  return [sent, sent.length === 0 ? undefined : relayed.response.head?.headers] as const;
}

const responseAdded: Check = {
  id: "headers.answer-nothing-added",
  title: "The agent is told nothing that the API did not say",
  protects:
    "What a gateway adds can be taken for the API's word, and tells an agent about what stands behind it.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const [sent, received] = answerOf(await relay(context, marker, { body: conversation(marker) }));
    if (received === undefined) return NOT_RELAYED;
    const { added } = headerDifferences(sent, received);
    return added.length === 0
      ? kept("no header that the API did not send")
      : lost("added", added.join(", "));
  },
};

const server: Check = {
  id: "headers.answer-server",
  title: "The API's Server header arrives",
  protects: "It tells answers of the API's edge (cloudflare) from those of anything on the way.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const { response } = await relay(context, marker, { body: conversation(marker) });
    const value = headerOf(response.head?.headers, "server");
    return value === "cloudflare" ? kept(value) : lost("changed", value ?? "it is gone");
  },
};

function answerHeaders(
  name: string,
  title: string,
  protects: string,
  headers: [string, string][],
  stream: boolean,
): Check {
  return {
    id: `headers.${name}`,
    title,
    protects,
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const body = conversation(marker, { stream });
      const [sent, received] = answerOf(
        await relay(
          context,
          marker,
          { body },
          {
            kind: "frames",
            headers,
            frames: [{ text: 'event: message_stop\ndata: {"type":"message_stop"}\n\n' }],
          },
        ),
      );
      if (received === undefined) return NOT_RELAYED;
      const { changed } = headerDifferences(sent, received);
      return changed.length === 0
        ? kept(`${sent.length} headers arrived as sent`)
        : lost("changed", changed.join("; "));
    },
  };
}

export const headers: readonly Check[] = [
  target(
    "query",
    "?beta=true arrives",
    "Claude Code asks for /v1/messages?beta=true; without the query the API answers as another version.",
    "/v1/messages?beta=true",
  ),
  target(
    "query-unknown",
    "A query that nobody knows yet arrives as written",
    "Queries are the API's to read.",
    "/v1/messages?beta=true&future=a%20b+c&empty=&flag",
  ),
  sentUp(
    "version",
    "anthropic-version arrives",
    "The API refuses requests without it.",
    {},
    ({ record }) => {
      const version = headerOf(record.headers, "anthropic-version");
      return version === "2023-06-01" ? kept(version) : lost("changed", version ?? "it is gone");
    },
  ),
  arriving(
    "betas",
    "anthropic-beta arrives letter by letter, in its order",
    "Each beta switches an ability on; one that is dropped or reordered away is lost without an error.",
    [["anthropic-beta", BETAS]],
  ),
  arriving(
    "betas-in-lines",
    "anthropic-beta in several lines arrives complete",
    "HTTP allows a header to be given in lines; only the first of them may be all that is left.",
    [
      ["anthropic-beta", "zeta-2099-01-01"],
      ["anthropic-beta", "alpha-2099-02-02"],
    ],
  ),
  arriving(
    "unknown-anthropic",
    "anthropic-* headers that nobody knows yet arrive",
    "The list is open by contract.",
    [
      ["anthropic-future-header", "value; with=parameters"],
      ["anthropic-workspace-id", "wrkspc_0123"],
    ],
  ),
  arriving(
    "claude-code",
    "x-claude-code-* headers arrive",
    "They tie requests to sessions and agents. A gateway may keep them to itself by contract; ours do not.",
    [
      ["x-claude-code-session-id", "7f0e8a4c-0000-4000-8000-000000000000"],
      ["x-claude-code-agent-id", "agent-1"],
    ],
  ),
  arriving("user-agent", "The client's own name arrives", "The API goes by the client's version.", [
    ["User-Agent", "claude-cli/2.1.331 (external, cli)"],
    ["x-app", "cli"],
  ]),
  arriving(
    "accept-encoding",
    "Accept-Encoding arrives",
    "A gateway that asks for encodings of its own gets answers that the client cannot read.",
    [["Accept-Encoding", "gzip, deflate, br, zstd"]],
  ),
  noneAdded,
  answerHeaders(
    "rate-limits",
    "Rate limits and request id arrive with an answer",
    "Claude Code shows limits before they are reached; the request id is what support asks for.",
    [
      ["anthropic-ratelimit-tokens-remaining", "1234"],
      ["anthropic-ratelimit-requests-reset", "2026-11-23T00:00:00Z"],
      ["anthropic-priority-input-tokens-remaining", "5"],
      ["request-id", "req_headers"],
      ["anthropic-organization-id", "org"],
    ],
    true,
  ),
  answerHeaders(
    "unified-limits",
    "Unified limits and headers that nobody knows yet arrive with an answer",
    "With an OAuth credential, limits come under other names.",
    [
      ["anthropic-ratelimit-unified-status", "allowed_warning"],
      ["anthropic-ratelimit-unified-reset", "1790000000"],
      ["anthropic-future-response", "yes"],
      ["x-future", "yes"],
    ],
    true,
  ),
  server,
  responseAdded,
];
