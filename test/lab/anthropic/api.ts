import type { IncomingMessage, ServerResponse } from "node:http";

import type { Connections } from "./connections.ts";
import type { CredentialKind } from "./credentials.ts";
import { ApiError, errorBody, invalidRequest } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { identifier } from "./identifiers.ts";
import { countTokens, createMessage, sendJson } from "./messages.ts";
import { findModel, modelInfo, MODELS } from "./models.ts";
import { play } from "./play.ts";
import { MAXIMUM_BODY_BYTES, requestContent } from "./requestBody.ts";
import { apiHeaders, edgeHeaders } from "./responseHeaders.ts";
import type { State } from "./state.ts";
import { STRICT_VERSION } from "./validation.ts";

function sendError(
  exchange: Exchange,
  error: ApiError,
  credential: CredentialKind | undefined,
): Promise<void> {
  const { status } = error;
  const requestId = identifier("req");
  return exchange.answer(
    status,
    apiHeaders({ status, requestId, credential, contentType: "application/json" }),
    Buffer.from(errorBody(status, error.detail, requestId)),
  );
}

/** Cloudflare answers a body over the limit: its answer has no request id and no `type` around the error. */
function sendTooLarge(exchange: Exchange): void {
  exchange.exactly(
    413,
    [["Content-Type", "application/json"], ...edgeHeaders()],
    Buffer.from(
      '{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}',
    ),
  );
}

function listModels(exchange: Exchange, credential: CredentialKind): Promise<void> {
  const limit = Number(exchange.query.get("limit") ?? 20);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw invalidRequest("limit: Input should be between 1 and 1000");
  }
  const after = MODELS.findIndex(({ id }) => id === exchange.query.get("after_id"));
  const page = MODELS.slice(after + 1, after + 1 + limit);
  return sendJson(
    exchange,
    200,
    {
      data: page.map(modelInfo),
      has_more: after + 1 + limit < MODELS.length,
      first_id: page.at(0)?.id ?? null,
      last_id: page.at(-1)?.id ?? null,
    },
    credential,
  );
}

function getModel(exchange: Exchange, credential: CredentialKind): Promise<void> {
  const id = exchange.path.slice("/v1/models/".length);
  const model = findModel(id);
  if (model === undefined) throw new ApiError(404, { message: `model: ${id}` });
  return sendJson(exchange, 200, modelInfo(model), credential);
}

function checkVersion(exchange: Exchange): void {
  const version = exchange.request.headers["anthropic-version"];
  if (version === undefined) throw invalidRequest("anthropic-version: header is required");
  if (version !== "2023-06-01" && version !== STRICT_VERSION) {
    throw invalidRequest(`anthropic-version: "${String(version)}" is not a valid version`);
  }
}

type Route = (
  exchange: Exchange,
  body: Buffer,
  state: State,
  credential: CredentialKind,
) => Promise<void>;

/** Routes that need a credential, by path and method. */
function routeOf(path: string): { readonly method: string; readonly run: Route } | undefined {
  switch (path) {
    case "/v1/messages":
      return { method: "POST", run: createMessage };
    case "/v1/messages/count_tokens":
      return {
        method: "POST",
        run: (exchange, body, _state, credential) => countTokens(exchange, body, credential),
      };
    case "/v1/models":
      return {
        method: "GET",
        run: (exchange, _body, _state, credential) => listModels(exchange, credential),
      };
    default:
      if (!path.startsWith("/v1/models/")) return undefined;
      return {
        method: "GET",
        run: (exchange, _body, _state, credential) => getModel(exchange, credential),
      };
  }
}

/** `POST /v1/oauth/token`: Anthropic's workload identity federation. It needs no credential. */
async function exchangeToken(exchange: Exchange, body: Buffer, state: State): Promise<void> {
  const { method, path, request } = exchange;
  const answer = await state.tokens.handle({
    ...{ method, path, headers: request.headers },
    body: body.toString("utf8"),
  });
  await sendJson(exchange, answer.status, answer.body, undefined);
}

async function answerRequest(exchange: Exchange, received: Buffer, state: State): Promise<void> {
  const { method, path } = exchange;
  const { headers } = exchange.request;
  const route = routeOf(path);
  let credential: CredentialKind | undefined;
  let refusal: unknown;
  let body = received;
  try {
    if (route !== undefined) credential = state.credentials.check(headers);
    body = requestContent(headers, received);
  } catch (error) {
    refusal = error;
  }
  const accepted = route === undefined || credential !== undefined;
  const script = state.scripts.take({ method, path, headers, body }, accepted);
  try {
    if (script !== undefined) {
      await play(script, exchange, body, state, credential);
      return;
    }
    if (refusal !== undefined) throw refusal as Error;
    if (path === "/api/hello") {
      await sendJson(exchange, 200, { message: "hello" }, undefined);
      return;
    }
    if (path === "/v1/oauth/token") {
      await exchangeToken(exchange, body, state);
      return;
    }
    if (route === undefined || credential === undefined) throw new ApiError(404);
    if (method !== route.method) throw new ApiError(405);
    checkVersion(exchange);
    await route.run(exchange, body, state, credential);
  } catch (error) {
    if (error instanceof ApiError) {
      await sendError(exchange, error, credential);
      return;
    }
    // A bug in a script or in this server. Print it, and let only this exchange fail.
    process.stderr.write(`fake anthropic: ${method} ${path}: ${String(error)}\n`);
    exchange.reset();
  }
}

/** Answers a request, whose body was read. */
export type AnswerRequest = (exchange: Exchange, body: Buffer, state: State) => Promise<void>;

/** The listener for requests on a data port. `answer` is another provider's API. Default Anthropic's. */
export function apiListener(
  state: State,
  connections: Connections,
  answer: AnswerRequest = answerRequest,
) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.of(request.socket);
    const exchange = new Exchange(request, response, connection, state.records);
    connection.exchanges++;
    response.once("close", () => {
      connection.exchanges--;
      connection.kept = response.shouldKeepAlive;
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let tooLarge = Number(request.headers["content-length"] ?? 0) > MAXIMUM_BODY_BYTES;
    if (tooLarge) sendTooLarge(exchange);
    request.on("data", (chunk: Buffer) => {
      if (tooLarge) return;
      bytes += chunk.length;
      if (bytes > MAXIMUM_BODY_BYTES) {
        tooLarge = true;
        sendTooLarge(exchange);
      } else {
        chunks.push(chunk);
      }
    });
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      exchange.received(body);
      if (!tooLarge) void answer(exchange, body, state);
    });
    // The client disconnected during its body; the response's `close` event has recorded it.
    request.on("error", () => undefined);
  };
}
