import { gunzipSync } from "node:zlib";
import type { Check } from "../../../verify/conformance/checks/check.ts";
import {
  wrapsErrors,
  wrapsOwn,
  request,
  answer,
  requestHeaders,
  without,
  replaced,
  allowlisted,
  textChanged,
  holdsBack,
  truncates,
  decompresses,
  ignores,
  tooSmall,
} from "./defect-kinds.ts";
import type { Defect } from "./model-gateway.ts";

/** A defect on which a check must fail, and the loss that the check must name. */
export interface Planted {
  readonly defect: Defect;
  readonly loss: string;
}

const errors = Object.fromEntries(
  [400, 401, 402, 403, 404, 409, 413, 429, 500, 503, 504, 529].map((status) => [
    `errors.status-${status}`,
    { defect: wrapsErrors, loss: "body" },
  ]),
) as Record<Check["id"], Planted>;

/** Refuses every request that it should relay. */
const down: Defect = { refuses: () => 502 };

/** Gateways that relay nothing. On them a check must not conclude that nothing was changed or came through. */
export const relaysNothing: Readonly<Record<Check["id"], Planted>> = {
  "own-errors.hello": { defect: { status: () => 502 }, loss: "server-error" },
  "own-errors.head-base-url": { defect: { redirects: true }, loss: "redirect" },
  "own-errors.other-paths": { defect: { hangsUp: true }, loss: "no-answer" },
  "headers.answer-nothing-added": { defect: down, loss: "not-relayed" },
  "headers.rate-limits": { defect: down, loss: "not-relayed" },
  "headers.many-response-headers": { defect: down, loss: "not-relayed" },
  "headers.api-version-2026-10-21": { defect: down, loss: "refused" },
  "body.safeguards": { defect: down, loss: "refused" },
  "headers.unified-limits": { defect: down, loss: "not-relayed" },
  "disconnect.in-upload": { defect: down, loss: "no-answer" },
  "body.no-steering": { defect: down, loss: "refused" },
  "cost.record": { defect: down, loss: "refused" },
  "cost.ceiling": { defect: down, loss: "other-error" },
};

/** For every check that needs only raw HTTP and the fake API: a gateway on which it must fail. */
export const planted: Readonly<Record<Check["id"], Planted>> = {
  ...errors,
  "cost.record": {
    defect: { logs: (line) => ({ ...line, output_tokens: (line.output_tokens ?? 0) + 1 }) },
    loss: "miscounted",
  },
  "cost.ceiling": { defect: { refusesAt: () => false }, loss: "not-refused" },
  "errors.not-streamed": {
    defect: { status: (status) => (status === 529 ? 500 : status) },
    loss: "status",
  },
  "errors.wording": {
    defect: { responseBody: (body) => Buffer.from(JSON.stringify(JSON.parse(body.toString()))) },
    loss: "body",
  },
  "errors.spend-limit": {
    defect: { responseHeaders: without(/^x-should-retry$/i) },
    loss: "headers",
  },
  "errors.capability": { defect: wrapsErrors, loss: "body" },
  "errors.html": { defect: wrapsErrors, loss: "body" },
  "errors.html-413": {
    defect: { status: (status) => (status === 413 ? 400 : status) },
    loss: "status",
  },
  "errors.empty-body": { defect: wrapsErrors, loss: "body" },
  "errors.empty-200": { defect: answer((text) => text || "{}"), loss: "body" },
  "errors.without-type": {
    defect: {
      responseBody: (body, status) =>
        status >= 400 && !body.includes('"type":"error"')
          ? Buffer.from('{"type":"error","error":{"type":"api_error","message":"gateway"}}')
          : body,
    },
    loss: "body",
  },
  "errors.compressed": {
    defect: { responseHeaders: without(/^content-encoding$/i) },
    loss: "unreadable",
  },
  "errors.new-type": {
    defect: { status: (status) => (status === 418 ? 500 : status) },
    loss: "status",
  },
  "errors.mid-stream": {
    defect: answer((text) => text.replace(/event: error\n.*\n\n/, "")),
    loss: "body",
  },
  "errors.cut-stream": { defect: { mendsStreams: true }, loss: "ends-properly" },
  "errors.provoked-400": { defect: wrapsErrors, loss: "body" },
  "errors.provoked-404": {
    defect: { responseHeaders: without(/^request-id$/i) },
    loss: "headers",
  },
  "errors.asked-once": { defect: { attempts: 2 }, loss: "repeated" },

  "own-errors.no-token": { defect: { accepts: () => true }, loss: "came-through" },
  "own-errors.wrong-bearer": { defect: wrapsOwn, loss: "own-shape" },
  "own-errors.wrong-api-key": { defect: { status: () => 403 }, loss: "other-error" },
  "own-errors.accepts-bearer": {
    defect: { accepts: (headers) => headers["x-api-key"] !== undefined },
    loss: "refused",
  },
  "own-errors.accepts-api-key": {
    defect: { accepts: (headers) => headers.authorization !== undefined },
    loss: "refused",
  },
  "own-errors.accepts-both": {
    defect: { accepts: (headers) => headers.authorization === undefined },
    loss: "refused",
  },
  "own-errors.closed-files": { defect: { opensRoutes: true }, loss: "came-through" },
  "own-errors.closed-keys": { defect: { opensRoutes: true }, loss: "came-through" },
  "own-errors.closed-method": { defect: { opensRoutes: true }, loss: "came-through" },
  "own-errors.other-paths": {
    defect: { opensRoutes: true, path: (path) => path.replace(/\?.*/, "") },
    loss: "came-through",
  },
  "own-errors.credential-swapped": { defect: { leaks: true }, loss: "leaked" },
  "own-errors.upstream-reset": { defect: wrapsOwn, loss: "own-shape" },
  "own-errors.malformed": { defect: wrapsErrors, loss: "own-shape" },
  "own-errors.hello": { defect: { redirects: true }, loss: "redirect" },
  "own-errors.head-base-url": { defect: { opensRoutes: true }, loss: "came-through" },

  "caching.five-minutes": {
    defect: textChanged(/,"cache_control":\{[^}]*\}/, ""),
    loss: "not-written",
  },
  "caching.one-hour": { defect: textChanged(',"ttl":"1h"', ""), loss: "not-written" },
  "caching.unmarked": {
    defect: request((body) => ({ ...body, cache_control: { type: "ephemeral" } })),
    loss: "cached",
  },

  "body.bytes": { defect: request((body) => body), loss: "re-encoded" },
  "body.json": {
    defect: request((body) => Object.fromEntries(Object.entries(body).sort())),
    loss: "changed",
  },
  "body.numbers": { defect: request((body) => body), loss: "rounded" },
  "body.unicode": {
    defect: { requestBody: (body) => Buffer.from(body.toString("latin1")) },
    loss: "changed",
  },
  "body.lone-surrogate": {
    defect: { refuses: (body) => (body.includes("\\ud83d") ? 400 : undefined) },
    loss: "refused",
  },
  "body.unknown-fields": { defect: allowlisted, loss: "dropped" },
  "body.context-management": { defect: allowlisted, loss: "dropped" },
  "body.metadata": { defect: allowlisted, loss: "dropped" },
  "body.metadata-all": { defect: textChanged(',"another":"entry"', ""), loss: "dropped" },
  "body.reserved-names": { defect: allowlisted, loss: "dropped" },
  "body.no-steering": {
    defect: {
      requestHeaders: (headers, body) => [
        ...headers,
        ...(body.includes("sk-other") ? [["Authorization", "Bearer sk-other"] as const] : []),
      ],
    },
    loss: "steered",
  },
  "body.system": {
    defect: request((body) => ({ ...body, system: JSON.stringify(body.system) })),
    loss: "dropped",
  },
  "body.safeguards": { defect: allowlisted, loss: "dropped" },
  "body.gzip-request": {
    defect: {
      requestBody: (body) => (body[0] === 0x1f ? gunzipSync(body) : body),
      requestHeaders: without(/^content-encoding$/i),
    },
    loss: "decompressed",
  },
  "body.waf": {
    defect: { refuses: (body) => (body.includes("<script>") ? 403 : undefined) },
    loss: "refused",
  },
  "body.chunked": {
    defect: {
      refuses: (_, headers) => (headers["content-length"] === undefined ? 411 : undefined),
    },
    loss: "refused",
  },
  "body.compressed": {
    defect: {
      requestBody: (body) => gunzipSync(body),
      requestHeaders: without(/^content-encoding$/i),
    },
    loss: "decompressed",
  },
  "body.count-tokens": {
    defect: { path: (path) => path.replace("/count_tokens", "") },
    loss: "refused",
  },
  "body.answer-bytes": { defect: answer((text) => JSON.stringify(JSON.parse(text))), loss: "body" },
  "body.answer-compressed": { defect: decompresses, loss: "decompressed" },

  "body.answer-stream-compressed": { defect: decompresses, loss: "decompressed" },

  "headers.query": { defect: { path: (path) => path.replace(/\?.*/, "") }, loss: "changed" },
  "headers.query-unknown": {
    defect: { path: (path) => path.replace("a%20b", "a+b") },
    loss: "changed",
  },
  "headers.version": { defect: requestHeaders(without(/^anthropic-version$/i)), loss: "changed" },
  "headers.betas": {
    defect: requestHeaders(
      replaced(/^anthropic-beta$/i, (text) => text.split(",").sort().join(",")),
    ),
    loss: "changed",
  },
  "headers.betas-in-lines": {
    defect: requestHeaders((headers) =>
      headers.filter(([name], index) => headers.findIndex(([other]) => other === name) === index),
    ),
    loss: "changed",
  },
  "headers.unknown-anthropic": {
    defect: requestHeaders(without(/^anthropic-(?!version|beta)/i)),
    loss: "changed",
  },
  "headers.claude-code": { defect: requestHeaders(without(/^x-claude-code-/i)), loss: "changed" },
  "headers.api-version-2026-10-21": {
    defect: requestHeaders(replaced(/^anthropic-version$/i, () => "2023-06-01")),
    loss: "changed",
  },
  "headers.gateway-hints": {
    defect: requestHeaders(without(/^x-claude-code-(?!session-id|agent-id)/i)),
    loss: "changed",
  },
  "headers.user-agent": {
    defect: requestHeaders(replaced(/^user-agent$/i, () => "gateway/1")),
    loss: "changed",
  },
  "headers.accept-encoding": {
    defect: requestHeaders(replaced(/^accept-encoding$/i, () => "gzip")),
    loss: "changed",
  },
  "headers.nothing-added": {
    defect: requestHeaders((headers) => [...headers, ["x-forwarded-for", "10.42.0.7"]]),
    loss: "added",
  },
  "headers.rate-limits": {
    defect: { responseHeaders: without(/^anthropic-ratelimit-/i) },
    loss: "changed",
  },
  "headers.unified-limits": {
    defect: { responseHeaders: without(/^x-future$/i) },
    loss: "changed",
  },
  "headers.many-response-headers": {
    defect: { responseHeaders: (headers) => headers.slice(0, 100) },
    loss: "changed",
  },
  "headers.answer-server": {
    defect: { responseHeaders: replaced(/^server$/i, () => "gateway") },
    loss: "changed",
  },
  "headers.answer-nothing-added": {
    defect: { responseHeaders: (headers) => [...headers, ["x-gateway-cost", "0.1"]] },
    loss: "added",
  },

  "streaming.well-formed": {
    defect: answer((text) => text.replace(/event: message_stop[^]*/, "")),
    loss: "incomplete",
  },
  "streaming.immediate": { defect: holdsBack, loss: "held-back" },
  "streaming.pings": { defect: holdsBack, loss: "held-back" },
  "streaming.split": { defect: holdsBack, loss: "held-back" },
  "streaming.gzip": { defect: holdsBack, loss: "held-back" },
  "streaming.br": {
    defect: { responseHeaders: without(/^content-encoding$/i) },
    loss: "unreadable",
  },
  "streaming.zstd": {
    defect: { responseHeaders: replaced(/^content-encoding$/i, () => "gzip") },
    loss: "unreadable",
  },
  "streaming.bytes": { defect: answer((text) => text.replaceAll("\r\n", "\n")), loss: "body" },
  "streaming.unknown-events": {
    defect: answer((text) => text.replace(/event: future_event\n.*\n\n/, "")),
    loss: "body",
  },
  "streaming.many": {
    defect: answer((text) => text.split("\n\n").reverse().join("\n\n")),
    loss: "body",
  },
  "streaming.large-event": { defect: truncates(100_000), loss: "body" },
  "streaming.slow-reader": { defect: { cutsSlowReadersMs: 1000 }, loss: "cut" },
  "streaming.quiet-20s": { defect: { idleMs: 1000 }, loss: "cut" },
  "streaming.quiet-310s": { defect: { idleMs: 1000 }, loss: "cut" },

  "tools.definitions": { defect: textChanged('"strict":true,', ""), loss: "changed" },
  "tools.use": { defect: answer((text) => text.replace("toolu_01A", "toolu_999")), loss: "body" },
  "tools.parallel": {
    defect: textChanged(/("tool_use_id":")toolu_01D/, "$1toolu_01B"),
    loss: "changed",
  },
  "tools.thinking": { defect: textChanged(/"signature":"./, '"signature":"!'), loss: "changed" },
  "tools.redacted-thinking": { defect: textChanged("redacted_thinking", "text"), loss: "changed" },
  "tools.thinking-and-tools": {
    defect: textChanged(/\{"type":"thinking"[^}]*\},/, ""),
    loss: "changed",
  },
  "tools.partial-input": {
    defect: answer((text) => text.replace(/event: [^]*?\n\n/, "")),
    loss: "body",
  },
  "tools.forced": { defect: textChanged(/,"tool_choice":\{[^}]*\}/, ""), loss: "not-used" },

  "size.1-mb": { defect: tooSmall, loss: "refused" },
  "size.31-mb": { defect: tooSmall, loss: "refused" },
  "size.32-mb": { defect: tooSmall, loss: "refused" },
  "size.over-limit": {
    defect: { status: (status) => (status === 413 ? 400 : status) },
    loss: "other-answer",
  },
  "size.header": {
    defect: requestHeaders(replaced(/^anthropic-beta$/i, (text) => text.slice(0, 8000))),
    loss: "changed",
  },
  "size.answer": { defect: truncates(1_000_000), loss: "body" },

  "disconnect.in-stream": { defect: ignores, loss: "goes-on" },
  "disconnect.before-answer": { defect: ignores, loss: "goes-on" },
  "disconnect.not-streamed": { defect: ignores, loss: "goes-on" },
  "disconnect.in-upload": {
    defect: { ...ignores, requestBody: (body) => body },
    loss: "completed",
  },
  "disconnect.neighbours": { defect: { sharesConnections: true }, loss: "disturbed" },

  "connection.pooled-reset": { defect: { poolsBlindly: true }, loss: "failed" },

  "claude-code.turn": {
    defect: { status: (status) => (status === 200 ? 400 : status) },
    loss: "turn-failed",
  },
  "claude-code.resume": {
    defect: request((body) => ({ ...body, messages: (body.messages as unknown[]).slice(-1) })),
    loss: "forgotten",
  },
  "claude-code.cache": { defect: textChanged(/,"cache_control":\{[^}]*\}/, ""), loss: "not-read" },
  "claude-code.tool": {
    defect: textChanged('"tools":[{"name":"Bash"', '"tools":[{"name":"bash"'),
    loss: "not-run",
  },
  "claude-code.request": {
    defect: { path: (path) => path.replace(/\?.*/, "") },
    loss: "turn-failed",
  },
  "claude-code.auto-mode": {
    defect: textChanged(/"stop_sequences":\[[^\]]*\]/, '"stop_sequences":[]'),
    loss: "denied",
  },
  "claude-code.gateway-hints": {
    defect: requestHeaders(without(/^x-claude-code-request-class$/i)),
    loss: "changed",
  },
  "claude-code.model-discovery": {
    defect: { opensRoutes: true, ...answer((text) => text.replace('{"data":', '{"models":')) },
    loss: "not-listed",
  },
  "claude-code.retries-529": {
    defect: { responseHeaders: without(/^x-should-retry$/i) },
    loss: "turn-failed",
  },
  "claude-code.retries-429": {
    defect: { responseHeaders: without(/^x-should-retry$/i) },
    loss: "turn-failed",
  },
  "claude-code.stops-401": {
    defect: { responseHeaders: replaced(/^x-should-retry$/i, () => "true") },
    loss: "repeated",
  },
  "claude-code.stops-403": {
    defect: { responseHeaders: replaced(/^x-should-retry$/i, () => "true") },
    loss: "repeated",
  },
};
