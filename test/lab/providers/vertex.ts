/**
 * A stand-in for Claude on Google's Vertex AI: REGION-aiplatform.googleapis.com. It was built from Google's and Anthropic's
 * documentation of the partner models, from what Claude Code 2.1.331 sends, and from reports of other clients (the event
 * `vertex_event`). It was never compared with the service. Known differences:
 * - It has the model, the scripts and the limits of the fake Anthropic API (../anthropic/server.ts).
 * - An access token is any accepted text; there is one project, whose quota is never reached.
 * - What the service answers to a region that does not fit the host, or to a query, is not known: here 400 and 404.
 * - Scripts that send raw frames, hang or reset are refused.
 */
import { ApiError } from "../anthropic/errors.ts";
import type { Exchange } from "../anthropic/exchange.ts";
import { identifier } from "../anthropic/identifiers.ts";
import { findModel } from "../anthropic/models.ts";
import { headerList } from "../anthropic/credentials.ts";
import { answerAs, type Asked, bearerOf } from "./standin.ts";

/** The only project that may use the models. */
export const LAB_PROJECT = "lab-project";

const PATH =
  /^\/v1\/projects\/([^/]+)\/locations\/([^/]+)\/publishers\/anthropic\/models\/([^/:]+):(rawPredict|streamRawPredict)$/;
const VERSION = "vertex-2023-10-16";

/** Google's names of statuses. */
const STATUS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** An error of Google's, before a request reaches the model. */
class GoogleError extends ApiError {}

function read(exchange: Exchange, body: Record<string, unknown>): Asked {
  const [, project, location, named = "", verb] = PATH.exec(exchange.path) ?? [];
  if (verb === undefined || exchange.method !== "POST" || exchange.query.size > 0) {
    throw new GoogleError(404, { message: `The path ${exchange.path} was not found.` });
  }
  const host = location === "global" ? "" : `${location ?? ""}-`;
  if (exchange.request.headers.host !== `${host}aiplatform.googleapis.com`) {
    throw new GoogleError(400, { message: `Location ${location ?? ""} is not served here.` });
  }
  if (project !== LAB_PROJECT) {
    throw new GoogleError(403, {
      message: `Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com${exchange.path.slice(3, exchange.path.lastIndexOf(":"))}' (or it may not exist).`,
    });
  }
  const { anthropic_version: version, ...rest } = body;
  if (version !== VERSION) {
    throw new ApiError(400, { message: `anthropic_version: Input should be '${VERSION}'` });
  }
  const betas = headerList(exchange.request.headers["anthropic-beta"]);
  if (named === "count-tokens") return { kind: "count", body: rest, betas, stream: false };
  if ("model" in rest) {
    throw new ApiError(400, { message: "model: Extra inputs are not permitted" });
  }
  const model = named.replace("@", "-");
  if (findModel(model) === undefined) {
    throw new GoogleError(404, {
      message: `Publisher Model \`${exchange.path.slice(4, exchange.path.lastIndexOf(":"))}\` was not found or your project does not have access to it.`,
    });
  }
  // Only this route streams, and only if the body asks for it too.
  const stream = verb === "streamRawPredict" && rest.stream === true;
  return { kind: "message", body: { ...rest, model, stream }, betas, stream };
}

/** Answers as Vertex AI does. */
export const answerVertex = answerAs({
  authenticate(exchange, { credentials }) {
    const token = bearerOf(exchange);
    if (token !== undefined && credentials.has(token)) return;
    throw new GoogleError(401, {
      message:
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    });
  },
  read,
  headers: (contentType) => [
    ["Content-Type", contentType],
    ["request-id", identifier("req")],
    ["Vary", "Origin"],
    ["X-Content-Type-Options", "nosniff"],
    ["Server", "scaffolding on HTTPServer2"],
  ],
  streamType: "text/event-stream; charset=utf-8",
  frame: (text, index) =>
    Buffer.from(
      index === 0
        ? `${text}event: vertex_event\ndata: {"type":"vertex_event","usage":{"input_tokens":0,"output_tokens":0}}\n\n`
        : text,
    ),
  error(error) {
    const { status, message } = error;
    // The model's own errors pass in Anthropic's shape; so does every error of a request that reached it.
    const body =
      error instanceof GoogleError || status !== 400
        ? { error: { code: status, message, status: STATUS[status] ?? "UNKNOWN" } }
        : { type: "error", error: { type: "invalid_request_error", message } };
    return {
      headers: [["Content-Type", "application/json; charset=UTF-8"]],
      body,
    };
  },
});
