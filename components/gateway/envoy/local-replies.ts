import { MAX_REQUEST_BYTES } from "../api/endpoints.ts";
import { limitHeaders } from "../../usage/budget/ratelimit-environment.ts";
import { twoAgents } from "./agent.ts";
import { SPENT_HEADER } from "./budgets.ts";
import type { Message } from "./proto.ts";
import { ofServerFetch, serverFetchFormat } from "./server-fetch.ts";

/** An answer that the gateway itself gives, in the shape of Anthropic's errors. */
interface Reply {
  /** When it applies: Envoy's status, Envoy's response flags, or an access log filter. */
  readonly on:
    | { readonly status: number }
    | { readonly flags: readonly string[] }
    | { readonly filter: Message }
    | "anything else";
  /** Status that the client gets. Default Envoy's. */
  readonly status?: number;
  readonly type: string;
  readonly message: string;
  /** Adds `x-should-retry`: whether the next attempt may succeed. Default no such header. */
  readonly retry?: boolean;
  /** Other headers, in Envoy's format. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Arguments of {@link localReplyConfig}. */
export interface LocalReplyArgs {
  /** What a caller without a valid key is told. Default: that it has no agent's token. */
  readonly unknownCaller?: string | undefined;
  /** Filter of the answers that Envoy gives because it has no credential for the next hop. Default: it always has one. */
  readonly withoutCredential?: Message | undefined;
}

/**
 * What agents wait before they try again without a credential. The next one can take the kubelet nine minutes: Claude Code
 * makes ten more attempts, which would otherwise take less than three.
 */
const NO_CREDENTIAL_SECONDS = 30;

/**
 * None is an `overloaded_error`: Claude Code gives up after three of them, within 3 s, whatever `x-should-retry`
 * says. With any other type it makes eleven attempts in about 170 s (2.1.330, status 502, 503 and 504).
 */
const replies = ({ unknownCaller, withoutCredential }: LocalReplyArgs): readonly Reply[] => [
  {
    // The two filters of server fetches end a request with 413, and nothing of it was answered yet.
    on: { filter: ofServerFetch("field") },
    status: 403,
    type: "permission_error",
    message: `gateway: ${serverFetchFormat("message")}`,
  },
  {
    on: { filter: ofServerFetch("unreadable") },
    status: 400,
    type: "invalid_request_error",
    message: `gateway: the body cannot be checked, because ${serverFetchFormat("unreadable")}`,
  },
  {
    // Only with status 401: a request with two agents' tokens can also be too large, or have no route.
    on: { filter: { and_filter: { filters: [statusFilter("EQ", 401), twoAgents] } } },
    type: "authentication_error",
    message: "gateway: the tokens shown are of two agents",
    retry: false,
  },
  ...(withoutCredential === undefined
    ? []
    : [
        {
          on: { filter: withoutCredential },
          status: 503,
          type: "api_error",
          message: "gateway: no credential for the upstream now",
          retry: true,
          headers: { "retry-after": String(NO_CREDENTIAL_SECONDS) },
        },
      ]),
  {
    // Overflow and overload. They come before the rules on status 503, which they have too. A retry succeeds once another stream ends.
    on: { flags: ["UO", "OM"] },
    status: 503,
    type: "api_error",
    message: "gateway: too many requests in flight",
    retry: true,
  },
  {
    // A Lua filter completes the message: whose budget it is, how much, and when it is renewed.
    on: { flags: ["RL"] },
    status: 429,
    type: "rate_limit_error",
    message: "gateway: a budget is spent",
    retry: false,
    headers: {
      "retry-after": `%RESP(${limitHeaders.resetSeconds})%`,
      [SPENT_HEADER]: "true",
    },
  },
  {
    on: { flags: ["RLSE"] },
    status: 503,
    type: "api_error",
    message: "gateway: the budget cannot be checked now",
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
  // Claude Code with Bedrock's API repeats a 401 ten times, unless it is told not to (2.1.331).
  onStatus(401, "authentication_error", unknownCaller ?? "missing or unknown agent token", {
    retry: false,
  }),
  onStatus(403, "permission_error", "refused"),
  onStatus(404, "not_found_error", "no such route"),
  onStatus(405, "not_found_error", "this route does not take this method"),
  onStatus(408, "timeout_error", "the request did not arrive in time", { retry: true }),
  onStatus(413, "request_too_large", `the request is larger than ${MAX_REQUEST_BYTES} bytes`),
  onStatus(400, "invalid_request_error", "malformed request"),
  // Envoy's answer to HTTP/1.0, where a client cannot tell a complete stream from one that broke off.
  onStatus(426, "invalid_request_error", "HTTP/1.1 is required", { status: 400 }),
  // Envoy's answer to a transfer coding other than chunked. A client would retry after a 501, in vain.
  onStatus(501, "invalid_request_error", "unknown transfer coding", { status: 400 }),
  onStatus(431, "invalid_request_error", "the request headers are too large"),
  onStatus(503, "api_error", "not able to serve now", { retry: true }),
  onStatus(504, "timeout_error", "the upstream did not answer in time", { retry: true }),
  { on: "anything else", type: "api_error", message: "gateway: internal error" },
];

/** The reply where Envoy itself answers with that status. */
function onStatus(
  status: number,
  type: string,
  message: string,
  more: Pick<Reply, "status" | "retry"> = {},
): Reply {
  return { on: { status }, type, message: `gateway: ${message}`, ...more };
}

/**
 * Gives Envoy's own answers the shape of Anthropic's errors. It applies only to answers that Envoy makes itself, never to
 * an upstream's. Direct responses are among them, so the routes leave their bodies empty.
 */
export function localReplyConfig(args: LocalReplyArgs = {}): Message {
  return { mappers: replies(args).map(mapper) };
}

function mapper(reply: Reply): Message {
  const headers = Object.entries({
    ...(reply.retry !== undefined && { "x-should-retry": String(reply.retry) }),
    ...reply.headers,
  }).map(([key, value]) => ({
    header: { key, value },
    append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
  }));
  return {
    filter: filter(reply.on),
    ...(reply.status === undefined ? {} : { status_code: reply.status }),
    body_format_override: {
      // Not json_format, which sorts the keys: Anthropic's bodies begin with "type".
      text_format_source: {
        inline_string: JSON.stringify({
          type: "error",
          error: { type: reply.type, message: reply.message },
        }),
      },
      content_type: "application/json",
    },
    ...(headers.length === 0 ? {} : { headers_to_add: headers }),
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
