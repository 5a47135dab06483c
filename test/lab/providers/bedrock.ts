/**
 * A stand-in for Claude on Amazon Bedrock: bedrock-runtime.REGION.amazonaws.com. It was built from AWS's documentation of
 * InvokeModel, of the event stream encoding and of Anthropic's models there, and from what Claude Code 2.1.331 sends, which
 * checks the frames' checksums. It was never compared with the service. Known differences:
 * - It has the model, the scripts and the limits of the fake Anthropic API (../anthropic/server.ts).
 * - It takes Bedrock API keys only, and no signature.
 * - Which betas the service knows changes; here they are {@link BETAS}: documented ones, and those that Claude Code sends.
 * - Scripts that send raw frames, hang or reset are refused.
 */
import { randomUUID } from "node:crypto";

import { ApiError } from "../anthropic/errors.ts";
import type { Exchange } from "../anthropic/exchange.ts";
import { findModel } from "../anthropic/models.ts";
import { eventFrame } from "./event-frame.ts";
import { answerAs, type Asked, bearerOf } from "./standin.ts";

const PATH = /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream|count-tokens)$/;
const MODEL = /^(?:[a-z]+\.)?anthropic\.(claude-[a-z0-9.-]+?)(?:-v[0-9]+(?::[0-9]+)?)?$/;
const VERSION = "bedrock-2023-05-31";

/** The betas that it knows. It refuses a request with any other. */
const BETAS = new Set([
  "claude-code-20250219",
  "computer-use-2025-01-24",
  "context-1m-2025-08-07",
  "context-management-2025-06-27",
  "effort-2025-11-24",
  "fine-grained-tool-streaming-2025-05-14",
  "interleaved-thinking-2025-05-14",
  "output-128k-2025-02-19",
  "thinking-token-count-2026-05-13",
  "token-efficient-tools-2025-02-19",
  "tool-search-tool-2025-10-19",
]);

/** AWS's names of errors. */
const TYPES: Readonly<Record<number, string>> = {
  400: "ValidationException",
  401: "UnauthorizedException",
  403: "AccessDeniedException",
  404: "ResourceNotFoundException",
  408: "ModelTimeoutException",
  424: "ModelErrorException",
  429: "ThrottlingException",
  500: "InternalServerException",
  503: "ServiceUnavailableException",
};

function invalid(message: string): ApiError {
  return new ApiError(400, { message });
}

function read(exchange: Exchange, body: Record<string, unknown>): Asked {
  const [, encoded = "", verb] = PATH.exec(exchange.path) ?? [];
  if (verb === undefined || exchange.method !== "POST") {
    throw new ApiError(404, {
      message: "Unable to determine service/operation name to be authorized",
    });
  }
  const model = MODEL.exec(decodeURIComponent(encoded))?.[1];
  if (model === undefined || findModel(model) === undefined) {
    throw invalid("The provided model identifier is invalid.");
  }
  const {
    anthropic_version: version,
    anthropic_beta: betas = [],
    ...rest
  } = verb === "count-tokens" ? countedBody(body) : body;
  if (version !== VERSION) {
    throw invalid(`anthropic_version: Input should be '${VERSION}'`);
  }
  for (const field of ["model", "stream"]) {
    if (field in rest) throw invalid(`${field}: Extra inputs are not permitted`);
  }
  if (!Array.isArray(betas) || betas.some((beta) => typeof beta !== "string" || !BETAS.has(beta))) {
    throw invalid("invalid beta flag");
  }
  const { max_tokens: most, ...counted } = rest;
  return {
    kind: verb === "count-tokens" ? "count" : "message",
    body: { ...counted, ...(verb !== "count-tokens" && { max_tokens: most }), model },
    betas: betas as string[],
    stream: verb === "invoke-with-response-stream",
  };
}

/** The request whose tokens are to be counted: base64 in `input.invokeModel.body`. */
function countedBody({ input }: Record<string, unknown>): Record<string, unknown> {
  const { invokeModel } = (input ?? {}) as { invokeModel?: { body?: string } };
  if (typeof invokeModel?.body !== "string") throw invalid("input.invokeModel.body is missing");
  return JSON.parse(Buffer.from(invokeModel.body, "base64").toString()) as Record<string, unknown>;
}

/** The data of an event, as one text in a frame. */
function frame(text: string): Buffer {
  const data = JSON.parse(text.slice(text.indexOf("data: ") + 6)) as Record<string, unknown>;
  const event = {
    ...data,
    ...(data.type === "message_stop" && {
      "amazon-bedrock-invocationMetrics": {
        inputTokenCount: 1,
        outputTokenCount: 1,
        invocationLatency: 100,
        firstByteLatency: 10,
      },
    }),
  };
  const bytes = Buffer.from(JSON.stringify(event)).toString("base64");
  return eventFrame(
    { ":event-type": "chunk", ":content-type": "application/json", ":message-type": "event" },
    // `p` hides the length of the answer.
    Buffer.from(JSON.stringify({ bytes, p: "abcdefghijklmnop".slice(bytes.length % 16) })),
  );
}

/** Answers as Bedrock's runtime does. */
export const answerBedrock = answerAs({
  authenticate(exchange, { credentials }) {
    const key = bearerOf(exchange);
    if (key !== undefined && credentials.has(key)) return;
    throw new ApiError(403, {
      message:
        key === undefined
          ? "Missing Authentication Token"
          : "Authentication failed: Please make sure your API Key is valid.",
    });
  },
  read,
  headers: (contentType) => [
    ["Content-Type", contentType],
    ["x-amzn-RequestId", randomUUID()],
    ...(contentType === "application/json"
      ? []
      : [["X-Amzn-Bedrock-Content-Type", "application/json"] as const]),
  ],
  streamType: "application/vnd.amazon.eventstream",
  frame,
  error: ({ status, message }) => ({
    headers: [
      ["Content-Type", "application/json"],
      ["x-amzn-RequestId", randomUUID()],
      [
        "x-amzn-ErrorType",
        `${TYPES[status] ?? "InternalServerException"}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
      ],
    ],
    body: { message },
  }),
});
