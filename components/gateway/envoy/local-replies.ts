import { MAX_REQUEST_BYTES } from "../api/endpoints.ts";
import { twoAgents } from "./agent.ts";
import type { Message } from "./proto.ts";

/** An answer of the gateway itself, in Anthropic's words. */
interface Reply {
  /** Envoy's name for the case: its status, the flags that it logs, or a filter of its access log. */
  readonly on:
    | { readonly status: number }
    | { readonly flags: readonly string[] }
    | { readonly filter: Message }
    | "anything else";
  /** Status that the client gets, where Envoy's own does not say it best. */
  readonly status?: number;
  readonly type: string;
  readonly message: string;
  /** Sent as `x-should-retry: true`: the next attempt may well succeed. */
  readonly retry?: true;
}

/**
 * None is an `overloaded_error`: after three of them Claude Code gives up, within 3 s, whatever `x-should-retry`
 * says. With any other type it makes eleven attempts in some 170 s (2.1.330, status 502, 503 and 504).
 */
const REPLIES: readonly Reply[] = [
  {
    // Only where it is the reason: such a request can be too large, or for no route, as well.
    on: { filter: { and_filter: { filters: [statusFilter("EQ", 401), twoAgents] } } },
    type: "authentication_error",
    message: "gateway: the tokens shown are of two agents",
  },
  {
    // Overflow and overload come before the other flags: they too carry status 503. The next attempt passes once some other stream has ended.
    on: { flags: ["UO", "OM"] },
    status: 503,
    type: "api_error",
    message: "gateway: too many requests in flight",
    retry: true,
  },
  {
    on: { flags: ["UT", "SI"] },
    status: 504,
    type: "timeout_error",
    message: "gateway: the upstream did not answer in time",
    retry: true,
  },
  {
    on: { flags: ["UF", "UH", "UC", "UR", "LR", "UPE", "DF", "NC"] },
    status: 502,
    type: "api_error",
    message: "gateway: the upstream cannot be reached",
    retry: true,
  },
  onStatus(401, "authentication_error", "missing or unknown agent token"),
  onStatus(403, "permission_error", "refused"),
  onStatus(404, "not_found_error", "no such route"),
  onStatus(405, "not_found_error", "this route does not take this method"),
  onStatus(408, "timeout_error", "the request did not arrive in time", { retry: true }),
  onStatus(413, "request_too_large", `the request is larger than ${MAX_REQUEST_BYTES} bytes`),
  onStatus(400, "invalid_request_error", "malformed request"),
  // Envoy's answer to HTTP/1.0, whose streams have no end that could be told from a break.
  onStatus(426, "invalid_request_error", "HTTP/1.1 is required", { status: 400 }),
  // Envoy's answer to a transfer coding other than chunked. A client would repeat a 501, which cannot help.
  onStatus(501, "invalid_request_error", "unknown transfer coding", { status: 400 }),
  onStatus(431, "invalid_request_error", "the request headers are too large"),
  onStatus(503, "api_error", "not able to serve now", { retry: true }),
  onStatus(504, "timeout_error", "the upstream did not answer in time", { retry: true }),
  { on: "anything else", type: "api_error", message: "gateway: internal error" },
];

/** The answer to one of Envoy's own statuses. */
function onStatus(
  status: number,
  type: string,
  message: string,
  more: Pick<Reply, "status" | "retry"> = {},
): Reply {
  return { on: { status }, type, message: `gateway: ${message}`, ...more };
}

/**
 * Gives Envoy's own answers the shape of Anthropic's errors. It touches answers that Envoy makes itself
 * (direct responses among them, whose bodies are therefore left empty) and never an upstream's.
 */
export function localReplyConfig(): Message {
  return { mappers: REPLIES.map(mapper) };
}

function mapper(reply: Reply): Message {
  return {
    filter: filter(reply.on),
    ...(reply.status === undefined ? {} : { status_code: reply.status }),
    body_format_override: {
      // Text, not json_format: that one sorts the keys, and Anthropic's bodies begin with "type".
      text_format_source: {
        inline_string: JSON.stringify({
          type: "error",
          error: { type: reply.type, message: reply.message },
        }),
      },
      content_type: "application/json",
    },
    ...(reply.retry === true
      ? {
          headers_to_add: [
            {
              header: { key: "x-should-retry", value: "true" },
              append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
            },
          ],
        }
      : {}),
  };
}

function filter(on: Reply["on"]): Message {
  if (on === "anything else") return statusFilter("GE", 0);
  if ("filter" in on) return on.filter;
  return "flags" in on
    ? { response_flag_filter: { flags: on.flags } }
    : statusFilter("EQ", on.status);
}

function statusFilter(op: "EQ" | "GE", status: number): Message {
  return {
    status_code_filter: {
      comparison: {
        op,
        value: {
          default_value: status,
          runtime_key: `local_reply.status_${op.toLowerCase()}_${status}`,
        },
      },
    },
  };
}
