import { gzipSync } from "node:zlib";
import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import { type Check, kept, lost } from "./check.ts";
import { decoded, excerpt, judgeAnswer, quoted } from "./compare.ts";
import {
  conversation,
  headerOf,
  newMarker,
  openScripted,
  relay,
  seenUpstream,
  upstreamOf,
} from "./relay.ts";

type Action = ScriptInput["action"];

const BODY_IS_READ =
  "From status, error type and message Claude Code decides whether to wait, to retry, to compact the conversation or to stop.";
const HEADERS_ARE_READ =
  "retry-after and x-should-retry say when to retry. Without them an agent retries too often or gives up.";

/** Errors as the API sometimes sends them, without the outer `type`, so a gateway cannot recognize them by it. */
const BARE: readonly Action[] = [
  { kind: "error", bare: true, status: 403, type: "forbidden", message: "Request not allowed" },
  { kind: "error", bare: true, status: 500, type: "internal_server_error", message: "Timeout" },
  { kind: "error", bare: true, status: 400, type: "budget_exceeded", message: "Budget exceeded" },
];

const withoutType: Check = {
  id: "errors.without-type",
  title: "Errors without the outer field type arrive as sent",
  protects:
    "The API rejects some requests with such errors. A gateway that takes them for its own changes status and message, and the agent waits, retries or stops for the wrong reason.",
  needs: ["upstream"],
  async run(context) {
    const seen: string[] = [];
    for (const action of BARE) {
      for (const stream of [true, false]) {
        const marker = newMarker();
        const body = conversation(marker, { stream });
        const outcome = judgeAnswer(await relay(context, marker, { body }, action));
        if (!outcome.kept) return outcome;
        seen.push(outcome.evidence);
      }
    }
    return kept(seen.join("; "));
  },
};

/** A check that an answer of the upstream arrives as it was sent, for a streaming and a non-streaming request. */
function answered(
  name: string,
  title: string,
  protects: string,
  action: Action,
  stream = true,
): Check {
  return {
    id: `errors.${name}`,
    title,
    protects,
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const body = conversation(marker, stream ? { stream } : {});
      return judgeAnswer(await relay(context, marker, { body }, action));
    },
  };
}

const STATUSES: readonly (readonly [status: number, type: string])[] = [
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [409, "conflict_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [500, "api_error"],
  [503, "api_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
];

const byStatus = STATUSES.map(([status, type]) =>
  answered(
    `status-${status}`,
    `${status} ${type} arrives with its body, status and headers`,
    status === 429 || status >= 500 ? `${BODY_IS_READ} ${HEADERS_ARE_READ}` : BODY_IS_READ,
    {
      kind: "error",
      status,
      type,
      ...(status === 429 || status === 529 ? { retryAfterSeconds: 7 } : {}),
      headers: [["x-should-retry", String(status === 429 || status >= 500)]],
    },
  ),
);

const JSON_TYPE: [string, string] = ["Content-Type", "application/json"];
const HTML =
  "<html>\r\n<head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>\r\n";

const shapes: readonly Check[] = [
  answered(
    "not-streamed",
    "An error for a non-streaming request arrives as sent",
    "Claude Code falls back to non-streaming requests when a stream breaks, and reacts to their errors in the same way.",
    { kind: "error", status: 529, type: "overloaded_error", retryAfterSeconds: 7 },
    false,
  ),
  answered(
    "wording",
    "The message of a 400 arrives unchanged",
    "Auto-compaction starts when the API's message says that the prompt is too long. If the message changes, the session ends.",
    {
      kind: "raw",
      status: 400,
      headers: [JSON_TYPE, ["request-id", "req_wording"]],
      body: {
        text: '{ "type":"error",\n "error": {"type":"invalid_request_error","message":"prompt is too long: 201000 tokens > 200000 maximum \\u2014 caf\\u00e9 …"}, "request_id":"req_wording" }',
      },
    },
  ),
  answered(
    "spend-limit",
    "A 429 for a spend limit arrives with its details and without retry-after",
    "Waiting does not help against a spend limit. The missing retry-after and error.details say so.",
    {
      kind: "error",
      status: 429,
      details: { error_code: "enforced_spend_limit_reached" },
      headers: [["x-should-retry", "false"]],
    },
  ),
  answered(
    "capability",
    "An error about an unsupported capability arrives with the API's message",
    "Claude Code turns off the capability that the message names and retries. With another message the turn fails.",
    {
      kind: "error",
      status: 400,
      message:
        "thinking.type: Input tag 'adaptive' found using 'type' does not match any of the expected tags",
    },
  ),
  answered(
    "html",
    "An HTML error page from the API's edge arrives as sent",
    "Cloudflare answers with HTML when the API is down. Wrapped in JSON, it would look like an answer of the API.",
    {
      kind: "raw",
      status: 502,
      headers: [
        ["Content-Type", "text/html"],
        ["CF-RAY", "1-FRA"],
      ],
      body: { text: HTML },
    },
  ),
  answered(
    "html-413",
    "A 413 from the API's edge, which is not JSON, arrives as sent",
    "Cloudflare rejects bodies over 32 MB by itself. Claude Code reacts to the status alone.",
    { kind: "raw", status: 413, headers: [["Content-Type", "text/html"]], body: { text: HTML } },
  ),
  answered(
    "empty-body",
    "An error without a body arrives without a body",
    "A gateway that adds a body invents an answer that the API did not give.",
    { kind: "raw", status: 500, headers: [["request-id", "req_empty"]] },
  ),
  answered(
    "empty-200",
    "An empty 200 arrives empty",
    "Claude Code ends the turn after it. A gateway must not turn it into something else.",
    { kind: "raw", status: 200, headers: [JSON_TYPE] },
  ),
  answered(
    "new-type",
    "An unknown error type arrives as sent",
    "The API adds error types. A gateway that maps errors by a list would hide new ones.",
    { kind: "error", status: 418, type: "teapot_error", message: "new in 2027" },
  ),
];

const compressed: Check = {
  id: "errors.compressed",
  title: "A compressed error arrives readable",
  protects:
    "The API compresses its answers. An error with a wrong Content-Encoding cannot be read.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const text =
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_gzip"}';
    const headers = [["Accept-Encoding", "gzip, deflate, br, zstd"]] as const;
    const body = conversation(marker, { stream: true });
    const { response } = await relay(
      context,
      marker,
      { body, headers },
      {
        kind: "raw",
        status: 529,
        headers: [JSON_TYPE, ["Content-Encoding", "gzip"], ["x-should-retry", "true"]],
        body: { base64: gzipSync(text).toString("base64") },
      },
    );
    const { head } = response;
    if (head?.status !== 529) return lost("status", `status ${head?.status ?? "missing"}`);
    const encoding = headerOf(head.headers, "content-encoding") ?? "none";
    return decoded(head.headers, response.body)?.toString() === text
      ? kept(`529 with encoding ${encoding}, and its body has that encoding`)
      : lost(
          "unreadable",
          `Content-Encoding is ${encoding}, but the body is ${excerpt(response.body)}`,
        );
  },
};

const MID_STREAM_ERROR =
  'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_mid"}\n\n';

const inStream: readonly Check[] = [
  answered(
    "mid-stream",
    "An error during a stream arrives as an event",
    "After the 200 the API can report a failure only as an event of the stream. If the event is dropped, the agent takes half an answer for a complete one.",
    {
      kind: "frames",
      frames: [
        { text: 'event: ping\ndata: {"type": "ping"}\n\n' },
        { text: MID_STREAM_ERROR, afterMs: 20 },
      ],
    },
  ),
  {
    id: "errors.cut-stream",
    title: "If the API's connection breaks during a stream, the client's connection breaks too",
    protects:
      "If half an answer ended properly, Claude Code would use it. Only a broken connection shows that something is missing.",
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const first = 'event: ping\ndata: {"type": "ping"}\n\n';
      const { exchange } = await openScripted(context, marker, {
        kind: "frames",
        frames: [{ text: first }, { text: "", afterMs: 100 }],
        end: "reset",
      });
      const { head, body, ended } = await exchange.response;
      if (ended === "end") {
        return lost("ends-properly", `the client saw a proper end after ${excerpt(body)}`);
      }
      if (head?.status !== 200 || body.toString() !== first) {
        return lost("changed", `before the cut the client got ${excerpt(body)}`);
      }
      return kept(`the client got ${body.length} bytes and then ${quoted(ended)}`);
    },
  },
  {
    id: "errors.asked-once",
    title: "The gateway never resends a request by itself",
    protects:
      "Claude Code retries up to ten times. Retries in the gateway multiply load and cost when the API is already overloaded.",
    needs: ["upstream"],
    async run(context) {
      const seen: string[] = [];
      for (const status of [429, 500, 503, 529]) {
        const marker = newMarker();
        const body = conversation(marker, { stream: true });
        const { requests } = await relay(
          context,
          marker,
          { body },
          { kind: "error", status, headers: [["x-should-retry", "true"]] },
        );
        seen.push(`${status}: ${requests}`);
        if (requests !== 1)
          return lost("repeated", `requests at the upstream, by status: ${seen.join(", ")}`);
      }
      const marker = newMarker();
      const { exchange, since } = await openScripted(context, marker, {
        kind: "reset",
        after: "request",
      });
      await exchange.response;
      const { requests } = await seenUpstream(upstreamOf(context), since, marker);
      seen.push(`connection reset: ${requests}`);
      return requests === 1
        ? kept(`requests at the upstream: ${seen.join(", ")}`)
        : lost("repeated-on-reset", `requests at the upstream: ${seen.join(", ")}`);
    },
  },
];

export const errors: readonly Check[] = [
  ...byStatus,
  ...shapes,
  withoutType,
  compressed,
  ...inStream,
];
