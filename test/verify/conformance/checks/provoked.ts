import type { RawResponse } from "../client/raw-client.ts";
import { type Check, kept, lost } from "./check.ts";
import { anthropicErrorType, excerpt } from "./compare.ts";
import { conversation, headerOf, messagesRequest, newMarker } from "./relay.ts";

/** Errors and answers that the API itself gives to a certain request. They need only the client's view, so they also work with the real API. */
function refused(
  name: string,
  title: string,
  change: Readonly<Record<string, unknown>>,
  status: number,
  type: string,
): Check {
  return {
    id: `errors.${name}`,
    title,
    protects:
      "An error of the real API, not of a script. Claude Code reacts to its type, and Anthropic's support needs its request id.",
    needs: [],
    async run({ client }) {
      const { head, body } = await client.send(
        messagesRequest({ body: conversation(newMarker(), change) }),
      );
      const seen = `${head?.status ?? "no answer"} ${excerpt(body)}`;
      if (anthropicErrorType(body) === undefined) return lost("body", seen);
      if (head?.status !== status || anthropicErrorType(body) !== type) return lost("status", seen);
      const id = headerOf(head.headers, "request-id");
      return id !== undefined && body.includes(id)
        ? kept(seen)
        : lost("headers", `request-id is ${id ?? "missing"}: ${seen}`);
    },
  };
}

interface Message {
  readonly stop_reason?: string;
  readonly content?: readonly {
    readonly type: string;
    readonly id?: string;
    readonly name?: string;
    readonly input?: unknown;
  }[];
}

function messageOf({ body }: RawResponse): Message {
  try {
    return JSON.parse(body.toString()) as Message;
  } catch {
    return {};
  }
}

const TOOL = {
  name: "get_weather",
  description: "The weather in a city",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  },
};

const forcedTool: Check = {
  id: "tools.forced",
  title: "The model uses a tool that it must use, and answers its result",
  protects: "An agent's work consists of such pairs of requests: a tool call and its result.",
  needs: [],
  async run({ client }) {
    const question = { role: "user", content: `${newMarker()}: what is the weather in Rome?` };
    const asked = await client.send(
      messagesRequest({
        body: conversation("", {
          messages: [question],
          tools: [TOOL],
          tool_choice: { type: "tool", name: TOOL.name },
        }),
      }),
    );
    const { content = [], stop_reason } = messageOf(asked);
    const use = content.find(({ type, name }) => type === "tool_use" && name === TOOL.name);
    if (use === undefined || typeof use.input !== "object") {
      return lost("not-used", `${asked.head?.status ?? "no answer"} ${excerpt(asked.body)}`);
    }
    const result = { type: "tool_result", tool_use_id: use.id, content: "sunny" };
    const answered = await client.send(
      messagesRequest({
        body: conversation("", {
          messages: [question, { role: "assistant", content }, { role: "user", content: [result] }],
          tools: [TOOL],
        }),
      }),
    );
    return answered.head?.status === 200
      ? kept(`stopped for ${stop_reason ?? "nothing"}, ${use.id ?? "no id"} was answered with 200`)
      : lost("refused", `${answered.head?.status ?? "no answer"} ${excerpt(answered.body)}`);
  },
};

export const provokedErrors: readonly Check[] = [
  refused(
    "provoked-400",
    "The API's own error for a missing field arrives",
    { max_tokens: undefined },
    400,
    "invalid_request_error",
  ),
  refused(
    "provoked-404",
    "The API's own error for an unknown model arrives",
    { model: "no-such-model" },
    404,
    "not_found_error",
  ),
];

export const provokedTools: readonly Check[] = [forcedTool];
