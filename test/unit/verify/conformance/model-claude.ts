/**
 * Simulates Claude Code as far as its checks need: sessions that are sent completely, a cached system prompt, Bash calls that
 * are run, in auto mode after a check by the model, errors that are retried as `x-should-retry` says, and three switches.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { ClaudeRequest } from "../../../verify/conformance/checks/check.ts";
import {
  headerOf,
  messagesRequest,
  MODEL,
  requestOf,
} from "../../../verify/conformance/checks/relay.ts";
import type { HeaderPair, RawClient } from "../../../verify/conformance/client/raw-client.ts";
import type { Turn } from "../../../lab/claude.ts";

interface Message {
  readonly content: readonly {
    readonly type: string;
    readonly text?: string;
    readonly id?: string;
    readonly input?: { readonly command: string };
  }[];
  readonly usage: Turn["usage"];
}

const SYSTEM = "You are a model of Claude Code. ".repeat(700);
const TOOLS = [{ name: "Bash", input_schema: { type: "object" } }];
const ATTEMPTS = 4;
const HINTS: readonly HeaderPair[] = [
  ["x-claude-code-request-class", "main"],
  ["x-claude-code-prompt-id", "ac2fe81e-bc87-49f6-991c-de06373366a2"],
];

/** A client that runs turns through a gateway. */
export function modelClaude(client: RawClient): (request: ClaudeRequest) => Promise<Turn> {
  const sessions = new Map<string, object[]>();
  return async ({ prompt, resume, args = [], env = {} }) => {
    const session = resume ?? randomUUID();
    const messages = [...(sessions.get(session) ?? []), { role: "user", content: prompt }];
    const send = (body: object) => ask(client, session, env, body);
    if (env.CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY === "1")
      await client.send(
        messagesRequest({ method: "GET", path: "/v1/models?limit=1000", body: "" }),
      );
    for (;;) {
      const answer = await send({ ...prompted(session), tools: TOOLS, messages });
      if (typeof answer === "string") return turn(session, answer, true);
      messages.push({ role: "assistant", content: answer.content });
      sessions.set(session, messages);
      const calls = answer.content.filter(({ type }) => type === "tool_use");
      const text = textOf(answer);
      if (calls.length === 0) return turn(session, text, false, answer.usage);
      const results = [];
      for (const { id, input } of calls) {
        const command = input?.command ?? "";
        const allowed = !args.includes("auto") || (await checked(send, command));
        const content = allowed
          ? execFileSync("sh", ["-c", command]).toString()
          : "Auto mode could not evaluate this action";
        results.push({ type: "tool_result", tool_use_id: id, content });
      }
      messages.push({ role: "user", content: results });
    }
  };
}

function textOf({ content }: Message): string {
  return content.map(({ text }) => text ?? "").join("");
}

function prompted(session: string): object {
  return {
    system: [{ type: "text", text: session + SYSTEM, cache_control: { type: "ephemeral" } }],
  };
}

/** Lets the model check a command. Denies it if the answer is not exactly the one that allows it. */
async function checked(
  send: (body: object) => Promise<Message | string>,
  command: string,
): Promise<boolean> {
  const answer = await send({
    system: [{ type: "text", text: "Answer <severity>N</severity>." }],
    messages: [{ role: "user", content: command }],
    stop_sequences: ["</severity>"],
  });
  return typeof answer !== "string" && textOf(answer) === "<severity>0";
}

async function ask(
  client: RawClient,
  session: string,
  env: Readonly<Record<string, string>>,
  more: object,
): Promise<Message | string> {
  const body = JSON.stringify({ model: MODEL, max_tokens: 1000, ...more });
  const compressed = env.CLAUDE_CODE_GZIP_REQUEST_BODIES === "1" ? gzipSync(body) : undefined;
  const headers: HeaderPair[] = [
    ["anthropic-beta", "claude-code-20250219"],
    ["x-claude-code-session-id", session],
    ...(env.CLAUDE_CODE_GATEWAY_HINT_HEADERS === "1" ? HINTS : []),
    ...(compressed === undefined ? [] : [["Content-Encoding", "gzip"] as const]),
  ];
  const sent = { path: "/v1/messages?beta=true", headers };
  const request =
    compressed === undefined
      ? messagesRequest({ ...sent, body })
      : requestOf(sent, [{ base64: compressed.toString("base64") }], compressed.length);
  for (let attempt = 1; ; attempt++) {
    const { head, body: answer } = await client.send(request);
    if (head?.status === 200) return JSON.parse(answer.toString()) as Message;
    if (headerOf(head?.headers, "x-should-retry") !== "true" || attempt === ATTEMPTS) {
      return `API Error: ${head?.status ?? "no answer"}`;
    }
  }
}

const NOTHING: Turn["usage"] = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

function turn(session: string, result: string, failed: boolean, usage = NOTHING): Turn {
  return {
    result,
    is_error: failed,
    session_id: session,
    num_turns: 1,
    duration_ms: 1,
    usage,
  };
}
