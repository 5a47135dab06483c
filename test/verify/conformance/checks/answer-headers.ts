import { type Check, kept, lost } from "./check.ts";
import { answerForClient, excerpt, headerDifferences } from "./compare.ts";
import { conversation, headerOf, newMarker, relay, type Relayed } from "./relay.ts";

const NOT_RELAYED = lost("not-relayed", "the upstream got no request, or did not answer");

/** Headers as the upstream sent them and as the client got them; undefined if nothing was relayed. */
function answerOf(relayed: Relayed) {
  const sent = answerForClient(relayed).headers;
  return [sent, sent.length === 0 ? undefined : relayed.response.head?.headers] as const;
}

const responseAdded: Check = {
  id: "headers.answer-nothing-added",
  title: "The gateway adds no response headers",
  protects:
    "An agent can take added headers for the API's own, and they reveal what runs behind the gateway.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const [sent, received] = answerOf(await relay(context, marker, { body: conversation(marker) }));
    if (received === undefined) return NOT_RELAYED;
    const { added } = headerDifferences(sent, received);
    return added.length === 0
      ? kept("the answer has only headers that the API sent")
      : lost("added", added.join(", "));
  },
};

const server: Check = {
  id: "headers.answer-server",
  title: "The API's Server header arrives",
  protects:
    "It shows whether an answer is from the API's edge (cloudflare) or from something in between.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const { response } = await relay(context, marker, { body: conversation(marker) });
    const value = headerOf(response.head?.headers, "server");
    return value === "cloudflare" ? kept(value) : lost("changed", value ?? "it is missing");
  },
};

function answered(
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
        : lost("changed", `${changed.length}: ${excerpt(changed.join("; "))}`);
    },
  };
}

/** Checks of the headers of answers. */
export const answerHeaders: readonly Check[] = [
  answered(
    "rate-limits",
    "Rate limit headers and request id arrive with an answer",
    "Claude Code warns before a limit is reached. Support asks for the request id.",
    [
      ["anthropic-ratelimit-tokens-remaining", "1234"],
      ["anthropic-ratelimit-requests-reset", "2026-11-23T00:00:00Z"],
      ["anthropic-priority-input-tokens-remaining", "5"],
      ["request-id", "req_headers"],
      ["anthropic-organization-id", "org"],
    ],
    true,
  ),
  answered(
    "unified-limits",
    "Unified rate limit headers and unknown headers arrive with an answer",
    "With an OAuth credential, the limit headers have other names.",
    [
      ["anthropic-ratelimit-unified-status", "allowed_warning"],
      ["anthropic-ratelimit-unified-reset", "1790000000"],
      ["anthropic-future-response", "yes"],
      ["x-future", "yes"],
    ],
    true,
  ),
  answered(
    "many-response-headers",
    "An answer with 150 headers arrives with all of them",
    "The API and its edge add headers. A gateway with a small limit answers an error instead, after the answer has been paid for.",
    Array.from({ length: 150 }, (_, index) => [`x-future-${index}`, `value ${index}`]),
    true,
  ),
  server,
  responseAdded,
];
