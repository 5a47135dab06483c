import { randomBytes } from "node:crypto";
import type { AnthropicControl } from "../../../lab/anthropic/client.ts";
import type { ExchangeSummary } from "../../../lab/anthropic/records.ts";
import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import type { HeaderPair, Piece, RawRequest, RawResponse } from "../client/raw-client.ts";
import type { RawExchange } from "../client/raw-client.ts";
import type { CheckContext } from "./check.ts";

/** A model that the real API and the fake one both have. */
export const MODEL = "claude-haiku-4-5-20251001";

/** A text that stands in no other request: what a script and a record are found by. */
export function newMarker(): string {
  return `verify-${randomBytes(8).toString("hex")}`;
}

/** A small conversation that holds a marker. */
export function conversation(marker: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    model: MODEL,
    max_tokens: 256,
    messages: [{ role: "user", content: `say: ${marker}` }],
    ...more,
  });
}

/** What is sent, where it differs from a plain `POST /v1/messages`. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  /** Beside Host, the credential, version, content type and length. */
  readonly headers?: readonly HeaderPair[];
  /** Replaces the credential's headers. */
  readonly credential?: readonly HeaderPair[];
  readonly body: string;
}

const AS_BEARER: readonly HeaderPair[] = [["Authorization", "Bearer {credential}"]];

/** A request as Claude Code frames it. */
export function messagesRequest(sent: Sent): RawRequest {
  return requestOf(sent, [{ text: sent.body }], Buffer.byteLength(sent.body));
}

/** A request whose body is put together where it is sent, with its length declared. */
export function requestOf(
  sent: Omit<Sent, "body">,
  body: readonly Piece[],
  declaredBytes: number,
): RawRequest {
  return {
    method: sent.method ?? "POST",
    path: sent.path ?? "/v1/messages",
    headers: [
      ["Host", "{host}"],
      ...(sent.credential ?? AS_BEARER),
      ["anthropic-version", "2023-06-01"],
      ["Content-Type", "application/json"],
      ...(sent.headers ?? []),
      ["Content-Length", String(declaredBytes)],
    ],
    body,
  };
}

/** The fake API of a context; checks that use it name it in `needs`. */
export function upstreamOf({ upstream }: CheckContext): AnthropicControl {
  if (upstream === undefined) throw new Error("this check needs the fake upstream");
  return upstream;
}

/** Both sides of one exchange. */
export interface Relayed {
  readonly response: RawResponse;
  /** The client's Accept-Encoding, empty without one. */
  readonly offered: string;
  /** What the upstream received, and what it answered; missing when nothing came through. */
  readonly record: ExchangeSummary | undefined;
  /** How many requests with the marker came through. */
  readonly requests: number;
  readonly requestBody: Buffer;
  readonly responseBody: Buffer;
}

/** Sends a request that holds `marker`, and shows both sides of it; the upstream answers as scripted. */
export async function relay(
  context: CheckContext,
  marker: string,
  sent: Sent,
  action?: ScriptInput["action"],
): Promise<Relayed> {
  const { since } = await prepare(context, marker, action);
  const response = await context.client.send(messagesRequest(sent));
  const offered = headerOf(sent.headers, "accept-encoding") ?? "";
  return { response, offered, ...(await seenUpstream(upstreamOf(context), since, marker)) };
}

/** Opens a request that the upstream answers with a script; the check goes on while it is under way. */
export async function openScripted(
  context: CheckContext,
  marker: string,
  action: ScriptInput["action"],
  sent: Sent = { body: conversation(marker, { stream: true }) },
  timeoutMs?: number,
): Promise<{ exchange: RawExchange; since: number }> {
  const { since } = await prepare(context, marker, action);
  return { exchange: context.client.open(messagesRequest(sent), timeoutMs), since };
}

async function prepare(
  context: CheckContext,
  marker: string,
  action: ScriptInput["action"] | undefined,
): Promise<{ since: number }> {
  const upstream = upstreamOf(context);
  if (action !== undefined) {
    // For as many as come: a gateway that asks twice must not get another answer the second time.
    await upstream.push({ match: { bodyContains: marker }, times: null, action });
  }
  return { since: await lastRecord(upstream) };
}

/** Number of the newest record. */
export async function lastRecord(upstream: AnthropicControl): Promise<number> {
  return (await upstream.records()).at(-1)?.id ?? 0;
}

/** What came through of the requests that hold a marker; the first of them in full. */
export async function seenUpstream(
  upstream: AnthropicControl,
  since: number,
  marker: string,
): Promise<Omit<Relayed, "response" | "offered">> {
  const found: { record: ExchangeSummary; body: Buffer }[] = [];
  for (const record of await upstream.records(since)) {
    const body = await upstream.requestBody(record.id);
    if (body.includes(marker) || record.url.includes(marker)) found.push({ record, body });
  }
  const [first] = found;
  return {
    record: first?.record,
    requests: found.length,
    requestBody: first?.body ?? Buffer.alloc(0),
    responseBody:
      first === undefined ? Buffer.alloc(0) : await upstream.responseBody(first.record.id),
  };
}

/** All values of a header, in order, joined as HTTP joins them; `undefined` when it is not there. */
export function headerOf(
  headers: readonly HeaderPair[] | undefined,
  name: string,
): string | undefined {
  const values = (headers ?? []).filter(([key]) => key.toLowerCase() === name.toLowerCase());
  return values.length === 0 ? undefined : values.map(([, value]) => value).join(", ");
}
