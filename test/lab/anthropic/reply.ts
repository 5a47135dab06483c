import { answerTokens, type Answer, type AnswerBlock } from "./assistant.ts";
import { identifier } from "./identifiers.ts";
import type { MessagesRequest } from "./messagesRequest.ts";
import type { InputUsage } from "./promptCache.ts";
import { tokensOf } from "./tokens.ts";
import { type Usage, usageSent } from "./usage.ts";

/** An answer, ready to be sent at once or as a stream. */
export interface Reply {
  readonly id: string;
  readonly model: string;
  readonly answer: Answer;
  readonly input: InputUsage;
  /** Present if the request used context management. */
  readonly contextManagement: boolean;
}

/** A reply to `request`. */
export function replyTo(request: MessagesRequest, answer: Answer, input: InputUsage): Reply {
  return {
    id: identifier("msg"),
    model: request.model,
    answer,
    input,
    contextManagement: request.context_management !== undefined,
  };
}

function usageOf(reply: Reply, outputTokens: number): Record<string, unknown> {
  const { input } = reply;
  return {
    input_tokens: input.input,
    cache_creation_input_tokens: input.cacheCreation5m + input.cacheCreation1h,
    cache_read_input_tokens: input.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: input.cacheCreation5m,
      ephemeral_1h_input_tokens: input.cacheCreation1h,
    },
    output_tokens: outputTokens,
    service_tier: "standard",
    inference_geo: "global",
  };
}

/** Tokens of the whole answer. */
export function outputTokens({ answer }: Reply): number {
  return answer.content.reduce((sum, block) => sum + answerTokens(block), 0);
}

const NO_EDITS = { context_management: { applied_edits: [] } };

/** The message that `POST /v1/messages` returns without `stream`. */
export function messageJson(reply: Reply): Record<string, unknown> {
  return {
    model: reply.model,
    id: reply.id,
    type: "message",
    role: "assistant",
    content: reply.answer.content,
    stop_reason: reply.answer.stopReason,
    stop_sequence: reply.answer.stopSequence ?? null,
    stop_details: null,
    usage: usageOf(reply, outputTokens(reply)),
    ...(reply.contextManagement ? NO_EDITS : {}),
  };
}

/** One server-sent event of the API. Its name is the `type` of its data. */
function sseFrame(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

const PIECE_CHARACTERS = 64;

function pieces(text: string): string[] {
  return text.match(new RegExp(`.{1,${PIECE_CHARACTERS}}`, "gsu")) ?? [];
}

function deltasOf(block: AnswerBlock): Record<string, unknown>[] {
  switch (block.type) {
    case "text":
      return pieces(block.text).map((text) => ({ type: "text_delta", text }));
    case "thinking":
      return [
        ...pieces(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: block.signature },
      ];
    case "redacted_thinking":
      return [];
    case "tool_use":
      return ["", ...pieces(JSON.stringify(block.input))].map((partial_json) => ({
        type: "input_json_delta",
        partial_json,
      }));
  }
}

function startOf(block: AnswerBlock): Record<string, unknown> {
  switch (block.type) {
    case "text":
      return { ...block, text: "" };
    case "thinking":
      return { ...block, thinking: "", signature: "" };
    case "redacted_thinking":
      return { ...block };
    case "tool_use":
      return { ...block, input: {} };
  }
}

/** One frame of a stream, and the output tokens charged after it was sent. */
export interface MessageFrame {
  readonly text: string;
  readonly usage: Usage;
}

/** The frames of the same message with `stream: true`. */
export function messageFrames(reply: Reply): MessageFrame[] {
  const frames: MessageFrame[] = [];
  const push = (data: Parameters<typeof sseFrame>[0], outputTokens: number, complete = false) => {
    frames.push({ text: sseFrame(data), usage: usageSent(reply, outputTokens, complete) });
  };
  // Like the API, count one token before anything is sent.
  let sent = 1;
  push(
    {
      type: "message_start",
      message: {
        ...messageJson(reply),
        content: [],
        stop_reason: null,
        usage: usageOf(reply, sent),
        ...(reply.contextManagement ? { context_management: null } : {}),
      },
    },
    sent,
  );
  let whole = 0;
  reply.answer.content.forEach((block, index) => {
    push({ type: "content_block_start", index, content_block: startOf(block) }, sent);
    if (index === 0) push({ type: "ping" }, sent);
    let characters = 0;
    for (const delta of deltasOf(block)) {
      characters += charactersOf(delta);
      sent = Math.max(sent, whole + tokensOf(characters));
      push({ type: "content_block_delta", index, delta }, sent);
    }
    whole += answerTokens(block);
    sent = Math.max(sent, whole);
    push({ type: "content_block_stop", index }, sent);
  });
  push(
    {
      type: "message_delta",
      delta: {
        stop_reason: reply.answer.stopReason,
        stop_sequence: reply.answer.stopSequence ?? null,
      },
      usage: usageOf(reply, whole),
      ...(reply.contextManagement ? NO_EDITS : {}),
    },
    whole,
    true,
  );
  push({ type: "message_stop" }, whole, true);
  return frames;
}

function charactersOf({ text, thinking, partial_json }: Record<string, unknown>): number {
  const piece = text ?? thinking ?? partial_json;
  return typeof piece === "string" ? piece.length : 0;
}
