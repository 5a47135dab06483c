import type { LogLine } from "./envoy.ts";

/** The usage of an answer as the API reports it. */
export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly [field: string]: unknown;
}

export const MODEL = "claude-sonnet-4-5-20250929";

/** One event of a stream. */
export function event(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The event with which a stream begins. */
export function messageStart(usage: Usage, model = MODEL): string {
  return event({
    type: "message_start",
    message: { id: "msg_1", type: "message", role: "assistant", model, content: [], usage },
  });
}

/** A piece of text. */
export function textDelta(text: string): string {
  return event({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text },
  });
}

/** The event with the final output tokens, and the one that ends a stream. */
export function messageEnd(usage: Record<string, unknown>): string {
  return (
    event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage }) +
    event({ type: "message_stop" })
  );
}

/** A whole stream. */
export function stream(usage: Usage, texts: readonly string[] = ["Hi"], model = MODEL): string {
  return (
    messageStart({ ...usage, output_tokens: 1 }, model) +
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }) +
    event({ type: "ping" }) +
    texts.map(textDelta).join("") +
    event({ type: "content_block_stop", index: 0 }) +
    messageEnd({ output_tokens: usage.output_tokens })
  );
}

/** A JSON answer. */
export function message(usage: Usage, content: unknown = [], model = MODEL): string {
  return JSON.stringify({ id: "msg_1", type: "message", role: "assistant", model, content, usage });
}

/** What a line of the access log says about usage. */
export function usageOf(line: LogLine): Record<string, unknown> {
  const fields = [
    "model",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cost_usd",
    "estimated",
    "metering",
  ];
  return Object.fromEntries(fields.map((field) => [field, line[field]]));
}

/** The usage of an answer of which nothing is known or nothing is charged. */
export function nothing(metering: "free" | "unmetered"): Record<string, unknown> {
  return {
    model: null,
    input_tokens: null,
    output_tokens: null,
    cache_read_tokens: null,
    cache_write_5m_tokens: null,
    cache_write_1h_tokens: null,
    cost_usd: null,
    estimated: null,
    metering,
  };
}

/** The usage of an answer without cached tokens. */
export function counted(
  input: number,
  output: number,
  costUsd: number,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    model: MODEL,
    input_tokens: input,
    output_tokens: output,
    cache_read_tokens: 0,
    cache_write_5m_tokens: 0,
    cache_write_1h_tokens: 0,
    cost_usd: costUsd,
    estimated: false,
    metering: "metered",
    ...more,
  };
}
