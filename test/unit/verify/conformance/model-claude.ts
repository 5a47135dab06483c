/**
 * Simulates Claude Code as far as its checks need: sessions that are sent completely, a cached system prompt, Bash calls that
 * are run, and errors that are retried as `x-should-retry` says.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { ClaudeRequest } from "../../../verify/conformance/checks/check.ts";
import { headerOf, messagesRequest, MODEL } from "../../../verify/conformance/checks/relay.ts";
import type { RawClient } from "../../../verify/conformance/client/raw-client.ts";
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

/** A client that runs turns through a gateway. */
export function modelClaude(client: RawClient): (request: ClaudeRequest) => Promise<Turn> {
  const sessions = new Map<string, object[]>();
  return async ({ prompt, resume }) => {
    const session = resume ?? randomUUID();
    const messages = [...(sessions.get(session) ?? []), { role: "user", content: prompt }];
    for (;;) {
      const answer = await ask(client, session, messages);
      if (typeof answer === "string") return turn(session, answer, true);
      messages.push({ role: "assistant", content: answer.content });
      sessions.set(session, messages);
      const calls = answer.content.filter(({ type }) => type === "tool_use");
      const text = answer.content.map(({ text }) => text ?? "").join("");
      if (calls.length === 0) return turn(session, text, false, answer.usage);
      const results = calls.map(({ id, input }) => ({
        type: "tool_result",
        tool_use_id: id,
        content: execFileSync("sh", ["-c", input?.command ?? ""]).toString(),
      }));
      messages.push({ role: "user", content: results });
    }
  };
}

async function ask(
  client: RawClient,
  session: string,
  messages: readonly object[],
): Promise<Message | string> {
  const body = JSON.stringify({
    model: MODEL,
    max_tokens: 1000,
    system: [{ type: "text", text: session + SYSTEM, cache_control: { type: "ephemeral" } }],
    tools: TOOLS,
    messages,
  });
  const headers = [
    ["anthropic-beta", "claude-code-20250219"],
    ["x-claude-code-session-id", session],
  ] as const;
  for (let attempt = 1; ; attempt++) {
    const sent = { path: "/v1/messages?beta=true", body, headers };
    const { head, body: answer } = await client.send(messagesRequest(sent));
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
