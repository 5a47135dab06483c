/**
 * Simulates the model. Its answers let a real client complete its turns, and a prompt can control it line by line:
 *   `run: <command>`   calls the tool `Bash`, once per such line (parallel tool calls), and then repeats the output of
 *                      the commands
 *   `say: <text>`      answers exactly that text
 * It answers any other prompt with the number of the turn and the prompt itself. When Claude Code asks it whether a tool
 * call is safe, as in auto mode, it allows every call.
 */
import { identifier } from "./identifiers.ts";
import { blocksOf, textOf, type MessagesRequest } from "./messagesRequest.ts";
import { sampleOf } from "./jsonSchemaSample.ts";
import { thinkingSignature } from "./thinking.ts";
import { textTokens } from "./tokens.ts";

/** A block of an answer. */
export type AnswerBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "redacted_thinking"; readonly data: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: Readonly<Record<string, unknown>>;
      readonly caller?: { readonly type: "direct" };
    };

/** Why an answer ended (`stop_reason`). */
export type StopReason = "end_turn" | "max_tokens" | "stop_sequence" | "tool_use" | "refusal";

/** The model's answer, before it has an id and usage. */
export interface Answer {
  readonly content: readonly AnswerBlock[];
  readonly stopReason: StopReason;
  /** The stop sequence of the request at which the text ended. */
  readonly stopSequence?: string;
}

/** A tool call in the API's format. */
export function toolUse(
  name: string,
  input: Readonly<Record<string, unknown>>,
): Extract<AnswerBlock, { type: "tool_use" }> {
  return { type: "tool_use", id: identifier("toolu"), name, input, caller: { type: "direct" } };
}

/** Tokens of one block of an answer. */
export function answerTokens(block: AnswerBlock): number {
  switch (block.type) {
    case "text":
      return textTokens(block.text);
    case "thinking":
      return Math.max(1, textTokens(block.thinking));
    case "redacted_thinking":
      return textTokens(block.data);
    case "tool_use":
      return textTokens(JSON.stringify(block.input)) + 8;
  }
}

/** Claude Code adds its own reminders to the user's text. */
function isReminder(text: string): boolean {
  return text.trimStart().startsWith("<system-reminder>");
}

function promptOf(request: MessagesRequest): string {
  const message = request.messages.findLast(({ role }) => role === "user");
  const texts = blocksOf(message?.content)
    .filter((block) => block.type === "text")
    .map((block) => String(block.text))
    .filter((text) => !isReminder(text));
  return texts.join("\n").trim();
}

/** The results of the tools, in the order of the calls. Clients send them in the order in which the tools finish. */
function toolResultsOf(request: MessagesRequest): string[] {
  const asked = blocksOf(request.messages.findLast(({ role }) => role === "assistant")?.content)
    .filter((block) => block.type === "tool_use")
    .map((block) => block.id);
  const message = request.messages.findLast(({ role }) => role === "user");
  return blocksOf(message?.content)
    .filter((block) => block.type === "tool_result")
    .sort((one, other) => asked.indexOf(one.tool_use_id) - asked.indexOf(other.tool_use_id))
    .map((block) => textOf(block.content));
}

function turnNumber(request: MessagesRequest): number {
  return request.messages.filter(
    ({ role, content }) =>
      role === "user" && !blocksOf(content).some((block) => block.type === "tool_result"),
  ).length;
}

function instructions(prompt: string, verb: "run" | "say"): string[] {
  return [...prompt.matchAll(new RegExp(`^\\s*${verb}: *(.+)$`, "gm"))].map((match) =>
    (match[1] ?? "").trim(),
  );
}

function plainAnswer(request: MessagesRequest): AnswerBlock[] {
  const results = toolResultsOf(request);
  if (results.length > 0) return [{ type: "text", text: `It printed:\n${results.join("\n")}` }];
  const prompt = promptOf(request);
  const commands = instructions(prompt, "run");
  if (commands.length > 0 && (request.tools ?? []).some(({ name }) => name === "Bash")) {
    return commands.map((command) =>
      toolUse("Bash", { command, description: "Run the command from the prompt" }),
    );
  }
  const text = instructions(prompt, "say").join("\n");
  return [{ type: "text", text: text || `Turn ${turnNumber(request)}: ${prompt.slice(0, 400)}` }];
}

function thinkingFor(request: MessagesRequest): AnswerBlock[] {
  const { type, display } = request.thinking ?? {};
  if (type !== "enabled" && type !== "adaptive") return [];
  const thinking = display === "omitted" ? "" : "The user wants a short answer.";
  return [{ type: "thinking", thinking, signature: thinkingSignature(thinking) }];
}

function truncated(content: readonly AnswerBlock[], maximumTokens: number): Answer {
  const kept: AnswerBlock[] = [];
  let left = maximumTokens;
  for (const block of content) {
    const tokens = answerTokens(block);
    if (tokens > left) {
      if (block.type === "text" && left > 0) {
        kept.push({ type: "text", text: block.text.slice(0, left * 4) });
      }
      return { content: kept, stopReason: "max_tokens" };
    }
    kept.push(block);
    left -= tokens;
  }
  const calls = content.some(({ type }) => type === "tool_use");
  return { content: kept, stopReason: calls ? "tool_use" : "end_turn" };
}

/** Ends a text before the first stop sequence in it. */
function stopped(answer: Answer, stops: readonly string[]): Answer {
  const [block] = answer.content;
  if (block?.type !== "text") return answer;
  const found = stops
    .map((stop) => ({ stop, at: block.text.indexOf(stop) }))
    .filter(({ at }) => at !== -1)
    .sort((one, other) => one.at - other.at)[0];
  if (found === undefined) return answer;
  return {
    content: [{ type: "text", text: block.text.slice(0, found.at) }],
    stopReason: "stop_sequence",
    stopSequence: found.stop,
  };
}

/** Claude Code's system prompt for the check of a tool call asks how harmful the call is, as `<severity>N</severity>`. */
const SEVERITY = "<severity>";

/** Answers a request. */
export function answer(request: MessagesRequest): Answer {
  const forced = request.tools?.find(
    ({ name }) => request.tool_choice?.type === "tool" && name === request.tool_choice.name,
  );
  const format = request.output_config?.format;
  let content: AnswerBlock[];
  if (forced !== undefined) {
    const input = sampleOf(forced.input_schema) as Readonly<Record<string, unknown>>;
    content = [toolUse(forced.name ?? "", input)];
  } else if (textOf(request.system).includes(SEVERITY)) {
    content = [{ type: "text", text: `${SEVERITY}0</severity>` }];
  } else if (format) {
    content = [{ type: "text", text: JSON.stringify(sampleOf(format.schema)) }];
  } else {
    content = [...thinkingFor(request), ...plainAnswer(request)];
  }
  const whole = truncated(content, request.max_tokens ?? Number.MAX_SAFE_INTEGER);
  return stopped(whole, request.stop_sequences ?? []);
}
