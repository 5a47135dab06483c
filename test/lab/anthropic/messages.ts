import type { IncomingHttpHeaders } from "node:http";

import { answer, type Answer } from "./assistant.ts";
import type { CredentialKind } from "./credentials.ts";
import { ApiError, invalidRequest } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { pause } from "./gates.ts";
import { identifier } from "./identifiers.ts";
import type { MessagesRequest } from "./messagesRequest.ts";
import { findModel } from "./models.ts";
import { PromptCache, totalInput } from "./promptCache.ts";
import { messageFrames, messageJson, outputTokens, replyTo, type Reply } from "./reply.ts";
import { apiHeaders } from "./responseHeaders.ts";
import type { State } from "./state.ts";
import { usageSent } from "./usage.ts";
import { parseRequest } from "./validation.ts";

/** Sends a JSON answer from the API itself. */
export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  credential: CredentialKind | undefined,
): Promise<void> {
  const answering = { status, requestId: identifier("req"), credential };
  return exchange.answer(
    status,
    apiHeaders({ ...answering, contentType: "application/json" }),
    Buffer.from(JSON.stringify(value)),
  );
}

/** Headers at the start of a stream. */
export function streamHeaders(credential: CredentialKind | undefined) {
  return apiHeaders({
    status: 200,
    requestId: identifier("req"),
    contentType: "text/event-stream; charset=utf-8",
    credential,
  });
}

/**
 * Parses a request, computes its usage and answers it. `given` replaces the assistant's own answer. `headers` are those of the
 * request, unless another provider carries what is in them elsewhere.
 */
export function prepareReply(
  exchange: Exchange,
  body: Buffer,
  state: State,
  given?: (request: MessagesRequest) => Answer,
  headers: IncomingHttpHeaders = exchange.request.headers,
): { readonly reply: Reply; readonly stream: boolean } {
  const request = parseRequest(body, "messages", headers);
  const model = findModel(request.model);
  if (model === undefined) throw new ApiError(404, { message: `model: ${request.model}` });
  const maximumTokens = request.max_tokens ?? 0;
  if (maximumTokens > model.outputTokens) {
    throw invalidRequest(
      `max_tokens: ${maximumTokens} > ${model.outputTokens}, which is the maximum allowed number of output tokens for ${model.id}`,
    );
  }
  const plan = state.cache.plan(request, model);
  const inputTokens = totalInput(plan.usage);
  if (inputTokens > model.contextTokens) {
    throw invalidRequest(
      `prompt is too long: ${inputTokens} tokens > ${model.contextTokens} maximum`,
    );
  }
  plan.commit();
  const reply = replyTo(request, (given ?? answer)(request), plan.usage);
  return { reply, stream: request.stream === true };
}

/** Sends a reply, streaming or not, as requested. `gapMs` is the pause before each frame except the first. */
export async function sendReply(
  exchange: Exchange,
  { reply, stream }: ReturnType<typeof prepareReply>,
  credential: CredentialKind | undefined,
  gapMs = 0,
): Promise<void> {
  if (!stream) {
    exchange.costs(usageSent(reply, outputTokens(reply), true));
    await sendJson(exchange, 200, messageJson(reply), credential);
    return;
  }
  exchange.head(200, streamHeaders(credential));
  for (const [index, { text, usage }] of messageFrames(reply).entries()) {
    if (index > 0) await pause(gapMs, exchange);
    await exchange.frame(Buffer.from(text));
    exchange.costs(usage);
  }
  await exchange.finish();
}

/** `POST /v1/messages`. */
export async function createMessage(
  exchange: Exchange,
  body: Buffer,
  state: State,
  credential: CredentialKind,
): Promise<void> {
  await sendReply(exchange, prepareReply(exchange, body, state), credential);
}

/** `POST /v1/messages/count_tokens`. */
export async function countTokens(
  exchange: Exchange,
  body: Buffer,
  credential: CredentialKind,
): Promise<void> {
  const request = parseRequest(body, "count_tokens", exchange.request.headers);
  if (findModel(request.model) === undefined) {
    throw new ApiError(404, { message: `model: ${request.model}` });
  }
  await sendJson(exchange, 200, { input_tokens: PromptCache.count(request) }, credential);
}
