import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import { excerpt } from "./compare.ts";
import { jsonDifferences } from "./json.ts";
import { judgeAnswer } from "./compare.ts";
import { conversation, MODEL, newMarker, relay } from "./relay.ts";

type Content = NonNullable<Extract<ScriptInput["action"], { kind: "message" }>["content"]>;
type Block = Readonly<Record<string, unknown>>;

const TOOLS = [
  {
    name: "Bash",
    description: "Run a command",
    strict: true,
    input_schema: {
      type: "object",
      properties: { command: { type: "string" }, background: { type: "boolean" }, a: {} },
      required: ["command"],
      additionalProperties: false,
    },
    cache_control: { type: "ephemeral" },
  },
  {
    name: "Later",
    defer_loading: true,
    eager_input_streaming: true,
    input_schema: { type: "object" },
  },
  { type: "code_execution_20250825", name: "code_execution" },
];

const BETAS = [["anthropic-beta", "advanced-tool-use-2025-11-20"]] as const;

/** Turn 1 answers with the given blocks. Turn 2 sends them back, as a client does. */
function roundTrip(
  name: string,
  title: string,
  protects: string,
  content: Content,
  replies: readonly Block[] = [],
  more: Readonly<Record<string, unknown>> = {},
): Check {
  return {
    id: `tools.${name}`,
    title,
    protects,
    needs: ["upstream"],
    async run(context) {
      const streamed = await answer(context, content, { ...more, stream: true });
      if (!streamed.outcome.kept) return streamed.outcome;
      const whole = await answer(context, content, more);
      if (!whole.outcome.kept) return whole.outcome;
      return sendBack(context, whole.blocks, replies, more);
    },
  };
}

async function answer(
  context: CheckContext,
  content: Content,
  more: Readonly<Record<string, unknown>>,
): Promise<{ outcome: Outcome; blocks: readonly Block[] }> {
  const marker = newMarker();
  const relayed = await relay(
    context,
    marker,
    { body: conversation(marker, { ...more, tools: TOOLS }), headers: BETAS },
    { kind: "message", content },
  );
  const outcome = judgeAnswer(relayed);
  const blocks =
    !outcome.kept || more.stream === true
      ? []
      : (JSON.parse(relayed.response.body.toString()) as { content: Block[] }).content;
  return { outcome, blocks };
}

/** The upstream rejects changed signatures, and tool calls without their results. */
async function sendBack(
  context: CheckContext,
  blocks: readonly Block[],
  replies: readonly Block[],
  more: Readonly<Record<string, unknown>>,
): Promise<Outcome> {
  const marker = newMarker();
  const sent = JSON.stringify({
    model: MODEL,
    max_tokens: 256,
    ...more,
    tools: TOOLS,
    messages: [
      { role: "user", content: `say: ${marker}` },
      { role: "assistant", content: blocks },
      { role: "user", content: [...replies, { type: "text", text: "say: done" }] },
    ],
  });
  const { response, requestBody, requests } = await relay(context, marker, {
    body: sent,
    headers: BETAS,
  });
  if (requests === 0)
    return lost("refused", `${response.head?.status ?? "no answer"} ${excerpt(response.body)}`);
  const differences = jsonDifferences(sent, requestBody.toString());
  if (differences.length > 0) return lost("changed", differences.join("; "));
  return response.head?.status === 200
    ? kept(
        `${blocks.map(({ type }) => type).join(", ")} arrived as sent, were sent back unchanged, and were accepted`,
      )
    : lost("refused-upstream", `${response.head?.status ?? "no answer"} ${excerpt(response.body)}`);
}

const call = (id: string, command: string) =>
  ({
    type: "tool_use",
    id,
    name: "Bash",
    input: { command, z: 1, a: { nested: [null, 2.5] } },
  }) as const;
const result = (id: string, content: unknown) => ({
  type: "tool_result",
  tool_use_id: id,
  content,
});

const definitions: Check = {
  id: "tools.definitions",
  title: "Tool definitions arrive with all fields, and with schema keys in order",
  protects:
    "strict and defer_loading change a tool's behavior. The order of schema keys is part of the cached prompt.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const sent = conversation(marker, {
      tools: TOOLS,
      tool_choice: { type: "auto", disable_parallel_tool_use: false },
    });
    const { requestBody, requests, response } = await relay(context, marker, {
      body: sent,
      headers: BETAS,
    });
    if (requests === 0) return lost("refused", excerpt(response.body));
    const differences = jsonDifferences(sent, requestBody.toString());
    return differences.length === 0
      ? kept(`${TOOLS.length} tools arrived as sent`)
      : lost("changed", differences.join("; "));
  },
};

const partialInput: Check = {
  id: "tools.partial-input",
  title: "A tool's input arrives in the same pieces as the API sends",
  protects: "A piece alone is not JSON. A gateway that parses pieces breaks the call.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const pieces = ['{"comm', 'and": "echo \\"', "caf\\u00", 'e9\\""', "", "}"];
    const frames = pieces.map((partial_json) => ({
      text: `event: content_block_delta\ndata: ${JSON.stringify({ type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json } })}\n\n`,
    }));
    const body = conversation(marker, { stream: true, tools: TOOLS });
    return judgeAnswer(
      await relay(context, marker, { body, headers: BETAS }, { kind: "frames", frames }),
    );
  },
};

export const tools: readonly Check[] = [
  definitions,
  roundTrip(
    "use",
    "A tool call arrives unchanged, and so does its result",
    "If the id or the input of a call changes, the agent cannot answer it.",
    [{ type: "text", text: "I run it." }, call("toolu_01A", "ls -la | grep '\"x\"'")],
    [result("toolu_01A", [{ type: "text", text: "total 0\n\u001b[31mred\u001b[0m" }])],
  ),
  roundTrip(
    "parallel",
    "Parallel tool calls keep their order and their results",
    "Results are matched to calls by id. If calls are merged or reordered, the wrong tool runs.",
    [call("toolu_01B", "one"), call("toolu_01C", "two"), call("toolu_01D", "three")],
    [
      result("toolu_01D", "third"),
      {
        ...result("toolu_01B", [
          {
            type: "image",
            source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
          },
        ]),
      },
      { ...result("toolu_01C", "second"), is_error: true, cache_control: { type: "ephemeral" } },
    ],
  ),
  roundTrip(
    "thinking",
    "Thinking and its signature pass both ways unchanged",
    "The API rejects a conversation if one letter of thinking or signature has changed.",
    [
      { type: "thinking", thinking: "Let me see…\n\n  café “quotes” \\ \u2028" },
      { type: "text", text: "Done." },
    ],
    [],
    { thinking: { type: "adaptive" } },
  ),
  roundTrip(
    "redacted-thinking",
    "Redacted thinking passes both ways unchanged",
    "Only the API can read it, and it must come back unchanged.",
    [
      {
        type: "redacted_thinking",
        data: "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP==",
      },
      { type: "text", text: "Done." },
    ],
    [],
    { thinking: { type: "adaptive" } },
  ),
  roundTrip(
    "thinking-and-tools",
    "Thinking between tool calls passes both ways unchanged",
    "Interleaved thinking is sent back with the results. Without it the model forgets why it made the call.",
    [
      { type: "thinking", thinking: "First look." },
      call("toolu_01E", "ls"),
      { type: "thinking", thinking: "" },
      call("toolu_01F", "cat x"),
    ],
    [result("toolu_01E", "x"), result("toolu_01F", "")],
    { thinking: { type: "adaptive" } },
  ),
  partialInput,
];
