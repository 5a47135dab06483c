import { answer, toolUse, type Answer, type AnswerBlock } from "./assistant.ts";
import type { CredentialKind } from "./credentials.ts";
import { bareErrorBody, errorBody } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { pause } from "./gates.ts";
import { identifier } from "./identifiers.ts";
import type { MessagesRequest } from "./messagesRequest.ts";
import { prepareReply, sendReply, streamHeaders } from "./messages.ts";
import type { Header } from "./header.ts";
import { apiHeaders, bareErrorHeaders, withHeaders } from "./responseHeaders.ts";
import { type ActiveScript, decodeBytes, type ScriptAction } from "./scripts.ts";
import type { State } from "./state.ts";
import { thinkingSignature } from "./thinking.ts";

type Action<Kind extends ScriptAction["kind"]> = Extract<ScriptAction, { kind: Kind }>;

function playError(
  exchange: Exchange,
  action: Action<"error">,
  credential: CredentialKind | undefined,
): Promise<void> {
  const { status, retryAfterSeconds, bare } = action;
  const requestId = identifier("req");
  const headers = bare
    ? bareErrorHeaders()
    : apiHeaders({ status, requestId, credential, contentType: "application/json" });
  const retryAfter: Header[] =
    retryAfterSeconds === undefined ? [] : [["retry-after", String(retryAfterSeconds)]];
  return exchange.answer(
    status,
    withHeaders(headers, [...retryAfter, ...(action.headers ?? [])]),
    Buffer.from(bare ? bareErrorBody(status, action) : errorBody(status, action, requestId)),
  );
}

async function playFrames(
  exchange: Exchange,
  action: Action<"frames">,
  state: State,
  credential: CredentialKind | undefined,
): Promise<void> {
  exchange.head(action.status, withHeaders(streamHeaders(credential), action.headers ?? []));
  for (const frame of action.frames) {
    if (frame.gate !== undefined) await state.gates.passed(frame.gate, exchange);
    await pause(frame.afterMs ?? 0, exchange);
    await exchange.frame(decodeBytes(frame));
  }
  if (exchange.ended) return;
  // Flush what was written before the connection is cut.
  if (action.end === "finish") await exchange.finish();
  else if (action.end === "reset") setImmediate(exchange.reset);
  else if (action.end === "close") setImmediate(exchange.close);
}

type ScriptedBlock = NonNullable<Action<"message">["content"]>[number];

function completed(block: ScriptedBlock): AnswerBlock {
  switch (block.type) {
    case "thinking":
      return { ...block, signature: block.signature ?? thinkingSignature(block.thinking) };
    case "tool_use": {
      const call = toolUse(block.name, block.input);
      return block.id === undefined ? call : { ...call, id: block.id };
    }
    default:
      return block;
  }
}

/** The answer that a script gives, or the assistant's own. */
export function scriptedAnswer(action: Action<"message">, request: MessagesRequest): Answer {
  if (action.content === undefined) return answer(request);
  const content = action.content.map(completed);
  const calls = content.some(({ type }) => type === "tool_use");
  return { content, stopReason: action.stopReason ?? (calls ? "tool_use" : "end_turn") };
}

async function playMessage(
  exchange: Exchange,
  body: Buffer,
  action: Action<"message">,
  state: State,
  credential: CredentialKind | undefined,
): Promise<void> {
  const prepared = prepareReply(exchange, body, state, (request) =>
    scriptedAnswer(action, request),
  );
  await sendReply(exchange, prepared, credential, action.gapMs);
}

/** Answers an exchange according to a script. */
export async function play(
  script: ActiveScript,
  exchange: Exchange,
  body: Buffer,
  state: State,
  credential: CredentialKind | undefined,
): Promise<void> {
  const { action } = script;
  exchange.scriptedBy(script.id);
  if (script.gate !== undefined) await state.gates.passed(script.gate, exchange);
  await pause(script.delayMs, exchange);
  switch (action.kind) {
    case "error":
      await playError(exchange, action, credential);
      return;
    case "raw":
      exchange.exactly(action.status, action.headers, decodeBytes(action.body));
      return;
    case "frames":
      await playFrames(exchange, action, state, credential);
      return;
    case "message":
      await playMessage(exchange, body, action, state, credential);
      return;
    case "hang":
      if (action.after === "headers") exchange.head(200, streamHeaders(credential));
      return;
    case "reset":
      if (action.after === "headers") exchange.head(200, streamHeaders(credential));
      setImmediate(exchange.reset);
      return;
  }
}
