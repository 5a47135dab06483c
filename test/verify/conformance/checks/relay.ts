import { randomBytes } from "node:crypto";
import type { AnthropicControl } from "../../../lab/anthropic/client.ts";
import type { ExchangeSummary } from "../../../lab/anthropic/records.ts";
import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import type { HeaderPair, Piece, RawRequest, RawResponse } from "../client/raw-client.ts";
import type { RawExchange } from "../client/raw-client.ts";
import type { CheckContext } from "./check.ts";

/** A model that both the real API and the fake API have. */
export const MODEL = "claude-haiku-4-5-20251001";

/** A text that no other request contains. Scripts and records are found by it. */
export function newMarker(): string {
  return `verify-${randomBytes(8).toString("hex")}`;
}

/** A small conversation that contains a marker. */
export function conversation(marker: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    model: MODEL,
    max_tokens: 256,
    messages: [{ role: "user", content: `say: ${marker}` }],
    ...more,
  });
}

/** What to send, where it differs from a plain `POST /v1/messages`. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  /** Headers besides Host, the credential, version, content type and length. */
  readonly headers?: readonly HeaderPair[];
  /** `anthropic-version`. Default `2023-06-01`. */
  readonly version?: string;
  /** Replaces the credential headers. */
  readonly credential?: readonly HeaderPair[];
  readonly body: string;
}

const AS_BEARER: readonly HeaderPair[] = [["Authorization", "Bearer {credential}"]];

/** A request framed as Claude Code does it. */
export function messagesRequest(sent: Sent): RawRequest {
  return requestOf(sent, [{ text: sent.body }], Buffer.byteLength(sent.body));
}

/** A request whose body the client builds from pieces, with its length declared. */
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
      ["anthropic-version", sent.version ?? "2023-06-01"],
      ["Content-Type", "application/json"],
      ...(sent.headers ?? []),
      ["Content-Length", String(declaredBytes)],
    ],
    body,
  };
}

/** The fake API of a context. Checks that use it list it in `needs`. */
export function upstreamOf({ upstream }: CheckContext): AnthropicControl {
  if (upstream === undefined) throw new Error("this check needs the fake upstream");
  return upstream;
}

/** Both sides of one exchange. */
export interface Relayed {
  readonly response: RawResponse;
  /** The client's Accept-Encoding; empty if it has none. */
  readonly offered: string;
  /** What the upstream received and answered; missing if the request did not reach it. */
  readonly record: ExchangeSummary | undefined;
  /** How many requests with the marker reached the upstream. */
  readonly requests: number;
  readonly requestBody: Buffer;
  readonly responseBody: Buffer;
}

/** Sends a request that contains `marker` and returns both sides of it. The upstream answers as scripted. */
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

/** Opens a request that the upstream answers with a script. The check continues while the request is under way. */
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
    // The script answers any number of requests: a gateway that sends the request twice must get the same answer twice.
    await upstream.push({ match: { bodyContains: marker }, times: null, action });
  }
  return { since: await lastRecord(upstream) };
}

/** Number of the newest record. */
export async function lastRecord(upstream: AnthropicControl): Promise<number> {
  return (await upstream.records()).at(-1)?.id ?? 0;
}

/** The requests with the marker that reached the upstream: their number, and the first one in full. */
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

/** All values of a header, in order, joined as in HTTP; `undefined` if the header is missing. */
export function headerOf(
  headers: readonly HeaderPair[] | undefined,
  name: string,
): string | undefined {
  const values = (headers ?? []).filter(([key]) => key.toLowerCase() === name.toLowerCase());
  return values.length === 0 ? undefined : values.map(([, value]) => value).join(", ");
}
