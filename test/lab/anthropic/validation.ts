import type { IncomingHttpHeaders } from "node:http";

import { headerList } from "./credentials.ts";
import { ApiError, invalidRequest } from "./errors.ts";
import {
  blocksOf,
  type ContentBlock,
  type ConversationMessage,
  type MessagesRequest,
} from "./messagesRequest.ts";
import { signatureMatches } from "./thinking.ts";

/** The API version that rejects some fields that 2023-06-01 accepts. */
export const STRICT_VERSION = "2026-10-21";

/** The two endpoints that accept a conversation. */
export type Endpoint = "messages" | "count_tokens";

const COUNTED = [
  "cache_control",
  "messages",
  "model",
  "output_config",
  "speed",
  "system",
  "thinking",
  "tool_choice",
  "tools",
];
const FIELDS: Readonly<Record<Endpoint, ReadonlySet<string>>> = {
  count_tokens: new Set(COUNTED),
  messages: new Set([
    ...COUNTED,
    "container",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
  ]),
};
/** Accepted by API version 2023-06-01 only. */
const SAMPLING_FIELDS: ReadonlySet<string> = new Set(["temperature", "top_k", "top_p"]);

/** Fields that need a beta header. If a gateway drops the header, the API rejects them. */
const BETA_FIELDS: Readonly<Record<string, RegExp>> = {
  billing_policy: /./,
  compaction: /^compact/,
  context_management: /^(context-management|compact)-/,
  fallback_credit_token: /./,
  fallbacks: /./,
  mcp_servers: /^mcp-client-/,
  output_format: /^structured-outputs-/,
  safeguards: /^dangerous-tool-use-/,
  thread: /./,
};
const TOOL_BETA_FIELDS: Readonly<Record<string, RegExp>> = {
  defer_loading: /^(advanced-tool-use|tool-search-tool)-/,
};

function fieldNotPermitted(path: string): ApiError {
  return invalidRequest(`${path}: Extra inputs are not permitted`);
}

/** The parts of a request besides its body that validation depends on. */
interface Context {
  readonly endpoint: Endpoint;
  readonly betas: readonly string[];
  readonly strict: boolean;
}

function checkFields(body: object, { endpoint, betas, strict }: Context): void {
  for (const field of Object.keys(body)) {
    if (FIELDS[endpoint].has(field)) continue;
    if (SAMPLING_FIELDS.has(field) && !strict && endpoint === "messages") continue;
    const beta = BETA_FIELDS[field];
    if (beta === undefined || !betas.some((name) => beta.test(name)))
      throw fieldNotPermitted(field);
  }
}

function checkTools(tools: unknown, betas: readonly string[]): void {
  if (tools === undefined) return;
  if (!Array.isArray(tools)) throw invalidRequest("tools: Input should be a valid list");
  tools.forEach((tool: unknown, index) => {
    if (typeof tool !== "object" || tool === null) {
      throw invalidRequest(`tools.${index}: Input should be a valid dictionary`);
    }
    for (const field of Object.keys(tool)) {
      const beta = TOOL_BETA_FIELDS[field];
      if (beta !== undefined && !betas.some((name) => beta.test(name))) {
        throw fieldNotPermitted(`tools.${index}.custom.${field}`);
      }
    }
  });
}

function checkBlock(block: unknown, path: string): void {
  if (typeof block !== "object" || block === null || !("type" in block)) {
    throw invalidRequest(`${path}.type: Field required`);
  }
  const { type, text, thinking, signature } = block as ContentBlock;
  if (type === "text" && text === "") {
    throw invalidRequest("messages: text content blocks must be non-empty");
  }
  if (type === "thinking" && !signatureMatches(thinking, signature)) {
    throw invalidRequest(`${path}: Invalid \`signature\` in \`thinking\` block`);
  }
}

/** Content that 2026-10-21 rejects: documents of the assistant, and citations in the user's own text. */
function checkStrictBlock({ type, citations }: ContentBlock, role: string, path: string): void {
  if (type === "document" && role === "assistant") {
    throw invalidRequest(`${path}: \`document\` blocks are not permitted in assistant messages`);
  }
  if (type === "text" && role === "user" && Array.isArray(citations) && citations.length > 0) {
    throw fieldNotPermitted(`${path}.text.citations`);
  }
}

function checkMessage(message: unknown, index: number, strict: boolean): void {
  const path = `messages.${index}`;
  if (typeof message !== "object" || message === null) {
    throw invalidRequest(`${path}: Input should be a valid dictionary`);
  }
  const { role, content } = message as Partial<ConversationMessage>;
  if (role !== "user" && role !== "assistant" && role !== "system") {
    throw invalidRequest(`${path}.role: Input should be 'user', 'assistant' or 'system'`);
  }
  if (content === undefined) throw invalidRequest(`${path}.content: Field required`);
  if (typeof content !== "string" && !Array.isArray(content)) {
    throw invalidRequest(`${path}.content: Input should be a valid string or list`);
  }
  if (content.length === 0 && role === "user") {
    throw invalidRequest(`${path}: user messages must have non-empty content`);
  }
  if (typeof content === "string") return;
  (content as unknown[]).forEach((block, at) => {
    checkBlock(block, `${path}.content.${at}`);
    if (strict) checkStrictBlock(block as ContentBlock, role, `${path}.content.${at}`);
  });
}

function toolIds(
  message: ConversationMessage | undefined,
  type: "tool_use" | "tool_result",
): string[] {
  if (message === undefined) return [];
  const field = type === "tool_use" ? "id" : "tool_use_id";
  return blocksOf(message.content)
    .filter((block) => block.type === type)
    .map((block) => String(block[field]));
}

/** The next user message must contain a result for each `tool_use`, and no other results. */
function checkToolPairs(messages: readonly ConversationMessage[]): void {
  const turns = messages
    .map((message, index) => ({ message, index }))
    .filter(({ message }) => message.role !== "system");
  turns.forEach(({ message, index }, at) => {
    if (message.role === "assistant") {
      const answered = toolIds(turns[at + 1]?.message, "tool_result");
      const open = toolIds(message, "tool_use").filter((id) => !answered.includes(id));
      if (open.length > 0) {
        throw invalidRequest(
          `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
        );
      }
      return;
    }
    const asked = toolIds(turns[at - 1]?.message, "tool_use");
    const stray = toolIds(message, "tool_result").find((id) => !asked.includes(id));
    if (stray !== undefined) {
      throw invalidRequest(
        `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    }
  });
}

/** Parses a request body. Rejects what the API would reject, with the API's messages. */
export function parseRequest(
  body: Buffer,
  endpoint: Endpoint,
  headers: IncomingHttpHeaders,
): MessagesRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw invalidRequest(`The request body is not valid JSON: ${(error as Error).message}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw invalidRequest("The request body is not valid JSON: expected an object");
  }
  const request = parsed as Partial<MessagesRequest>;
  const betas = headerList(headers["anthropic-beta"]);
  const strict = headers["anthropic-version"] === STRICT_VERSION;
  checkFields(parsed, { endpoint, betas, strict });
  if (typeof request.model !== "string") throw invalidRequest("model: Field required");
  if (endpoint === "messages") {
    if (request.max_tokens === undefined) throw invalidRequest("max_tokens: Field required");
    if (!Number.isInteger(request.max_tokens) || request.max_tokens < 1) {
      throw invalidRequest("max_tokens: Input should be greater than or equal to 1");
    }
  }
  if (!Array.isArray(request.messages)) throw invalidRequest("messages: Field required");
  if (request.messages.length === 0) {
    throw invalidRequest("messages: at least one message is required");
  }
  (request.messages as unknown[]).forEach((message, index) => {
    checkMessage(message, index, strict);
  });
  checkToolPairs(request.messages);
  checkTools(request.tools, betas);
  return request as MessagesRequest;
}
