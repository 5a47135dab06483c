import type { AnswerRequest } from "../anthropic/api.ts";
import { ApiError } from "../anthropic/errors.ts";
import type { Exchange } from "../anthropic/exchange.ts";
import type { Header } from "../anthropic/header.ts";
import { prepareReply } from "../anthropic/messages.ts";
import { scriptedAnswer } from "../anthropic/play.ts";
import { pause } from "../anthropic/gates.ts";
import { PromptCache } from "../anthropic/promptCache.ts";
import { messageFrames, messageJson, outputTokens } from "../anthropic/reply.ts";
import { requestContent } from "../anthropic/requestBody.ts";
import { type ActiveScript, decodeBytes } from "../anthropic/scripts.ts";
import type { State } from "../anthropic/state.ts";
import { usageSent } from "../anthropic/usage.ts";
import { parseRequest } from "../anthropic/validation.ts";

/** A request in the form of Anthropic's own API. */
export interface Asked {
  readonly kind: "message" | "count";
  readonly body: Record<string, unknown>;
  readonly betas: readonly string[];
  readonly stream: boolean;
}

/** What a provider's stand-in has of its own. The model, the scripts and the records are those of the fake Anthropic API. */
export interface Standin {
  /** Whether the request's credential is valid. Throws a {@link ApiError}. */
  readonly authenticate: (exchange: Exchange, state: State) => void;
  /** Reads a request. Throws a {@link ApiError}. */
  readonly read: (exchange: Exchange, body: Record<string, unknown>) => Asked;
  /** Headers of an answer. */
  readonly headers: (contentType: string) => Header[];
  readonly streamType: string;
  /** Bytes of an event of a stream, given as Anthropic's API writes it. */
  readonly frame: (text: string, index: number) => Buffer;
  /** Headers and body of an error, in the provider's shape. */
  readonly error: (error: ApiError) => { readonly headers: Header[]; readonly body: unknown };
}

/** Answers requests as a provider does. */
export function answerAs(standin: Standin): AnswerRequest {
  return async (exchange, received, state) => {
    const { headers } = exchange.request;
    let refusal: unknown;
    let body = received;
    try {
      standin.authenticate(exchange, state);
      body = requestContent(headers, received);
    } catch (error) {
      refusal = error;
    }
    const { method, path } = exchange;
    const script = state.scripts.take({ method, path, headers, body }, refusal === undefined);
    try {
      if (script !== undefined) {
        await play(standin, script, exchange, body, state);
        return;
      }
      if (refusal !== undefined) throw refusal as Error;
      await reply(standin, exchange, body, state);
    } catch (error) {
      if (error instanceof ApiError) {
        await sendError(standin, exchange, error);
        return;
      }
      process.stderr.write(`stand-in: ${method} ${path}: ${String(error)}\n`);
      exchange.reset();
    }
  };
}

async function play(
  standin: Standin,
  script: ActiveScript,
  exchange: Exchange,
  body: Buffer,
  state: State,
): Promise<void> {
  exchange.scriptedBy(script.id);
  if (script.gate !== undefined) await state.gates.passed(script.gate, exchange);
  await pause(script.delayMs, exchange);
  const { action } = script;
  switch (action.kind) {
    case "error": {
      const { retryAfterSeconds, headers = [] } = action;
      const retryAfter: Header[] =
        retryAfterSeconds === undefined ? [] : [["Retry-After", String(retryAfterSeconds)]];
      const error = new ApiError(action.status, action);
      await sendError(standin, exchange, error, [...retryAfter, ...headers]);
      return;
    }
    case "raw":
      exchange.exactly(action.status, action.headers, decodeBytes(action.body));
      return;
    case "message":
      await reply(standin, exchange, body, state, action);
      return;
    default:
      throw new Error(`a script of kind ${action.kind} is only for the fake Anthropic API`);
  }
}

async function sendError(
  standin: Standin,
  exchange: Exchange,
  error: ApiError,
  more: readonly Header[] = [],
): Promise<void> {
  const { headers, body } = standin.error(error);
  await exchange.answer(error.status, [...headers, ...more], Buffer.from(JSON.stringify(body)));
}

async function reply(
  standin: Standin,
  exchange: Exchange,
  body: Buffer,
  state: State,
  action?: Parameters<typeof scriptedAnswer>[0],
): Promise<void> {
  const asked = standin.read(exchange, objectOf(body));
  const { stream } = asked;
  const headers = { "anthropic-beta": asked.betas.join(",") };
  const text = Buffer.from(JSON.stringify({ ...asked.body, ...(stream && { stream }) }));
  if (asked.kind === "count") {
    const counted = PromptCache.count(parseRequest(text, "count_tokens", headers));
    await sendJson(standin, exchange, { input_tokens: counted });
    return;
  }
  const given =
    action && ((request: Parameters<typeof scriptedAnswer>[1]) => scriptedAnswer(action, request));
  const { reply } = prepareReply(exchange, text, state, given, headers);
  if (!stream) {
    exchange.costs(usageSent(reply, outputTokens(reply), true));
    await sendJson(standin, exchange, messageJson(reply));
    return;
  }
  exchange.head(200, standin.headers(standin.streamType));
  for (const [index, { text, usage }] of messageFrames(reply).entries()) {
    if (index > 0) await pause(action?.gapMs ?? 0, exchange);
    await exchange.frame(standin.frame(text, index));
    exchange.costs(usage);
  }
  await exchange.finish();
}

async function sendJson(standin: Standin, exchange: Exchange, value: unknown): Promise<void> {
  const headers = standin.headers("application/json");
  await exchange.answer(200, headers, Buffer.from(JSON.stringify(value)));
}

function objectOf(body: Buffer): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new ApiError(400, {
      message: `The request body is not JSON: ${(error as Error).message}`,
    });
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
    return parsed as Record<string, unknown>;
  throw new ApiError(400, { message: "The request body is not a JSON object" });
}

/** The token of `Authorization: Bearer`. */
export function bearerOf({ request }: Exchange): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}
