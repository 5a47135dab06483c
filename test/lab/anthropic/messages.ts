import { answer, type Answer } from "./assistant.ts";
import type { CredentialKind } from "./credentials.ts";
import { ApiError, invalidRequest } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { identifier } from "./identifiers.ts";
import type { MessagesRequest } from "./messagesRequest.ts";
import { findModel } from "./models.ts";
import { PromptCache, totalInput } from "./promptCache.ts";
import { messageFrames, messageJson, replyTo, type Reply } from "./reply.ts";
import { apiHeaders } from "./responseHeaders.ts";
import type { State } from "./state.ts";
import { parseRequest } from "./validation.ts";

/** Headers of a JSON answer from the API itself. */
export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  credential: CredentialKind | undefined,
): void {
  const answering = { status, requestId: identifier("req"), credential };
  exchange.whole(
    status,
    apiHeaders({ ...answering, contentType: "application/json" }),
    Buffer.from(JSON.stringify(value)),
  );
}

/** Headers that begin a stream. */
export function streamHeaders(credential: CredentialKind | undefined) {
  return apiHeaders({
    status: 200,
    requestId: identifier("req"),
    contentType: "text/event-stream; charset=utf-8",
    credential,
  });
}

/** Reads and prices a request, and has it answered; `given` replaces the assistant's own words. */
export function prepareReply(
  exchange: Exchange,
  body: Buffer,
  state: State,
  given?: (request: MessagesRequest) => Answer,
): { readonly reply: Reply; readonly stream: boolean } {
  const request = parseRequest(body, "messages", exchange.request.headers);
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

/** `POST /v1/messages`. */
export function createMessage(
  exchange: Exchange,
  body: Buffer,
  state: State,
  credential: CredentialKind,
): void {
  const { reply, stream } = prepareReply(exchange, body, state);
  if (!stream) {
    sendJson(exchange, 200, messageJson(reply), credential);
    return;
  }
  exchange.head(200, streamHeaders(credential));
  for (const frame of messageFrames(reply)) exchange.frame(Buffer.from(frame));
  exchange.finish();
}

/** `POST /v1/messages/count_tokens`. */
export function countTokens(exchange: Exchange, body: Buffer, credential: CredentialKind): void {
  const request = parseRequest(body, "count_tokens", exchange.request.headers);
  if (findModel(request.model) === undefined) {
    throw new ApiError(404, { message: `model: ${request.model}` });
  }
  sendJson(exchange, 200, { input_tokens: PromptCache.count(request) }, credential);
}
