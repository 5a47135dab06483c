import { ANY_BODY, sentUp } from "./body-sent.ts";
import { type Check, kept, lost, type Outcome } from "./check.ts";
import { judgeAnswer } from "./compare.ts";
import { conversation, headerOf, newMarker, relay, type Relayed } from "./relay.ts";

/** Checks that all of `fields` arrived. Other differences in the body do not matter here. */
function judgeFields(fields: Readonly<Record<string, unknown>>) {
  return (_: string, { requestBody }: Relayed): Outcome => {
    const received = JSON.parse(requestBody.toString()) as Record<string, unknown>;
    const gone = Object.keys(fields).filter(
      (key) => JSON.stringify(received[key]) !== JSON.stringify(fields[key]),
    );
    return gone.length === 0
      ? kept(`${Object.keys(fields).join(", ")} arrived as sent`)
      : lost("dropped", `missing or changed: ${gone.join(", ")}`);
  };
}

function withFields(
  name: string,
  title: string,
  protects: string,
  fields: Readonly<Record<string, unknown>>,
): Check {
  return sentUp(
    name,
    title,
    protects,
    (marker) => conversation(marker, fields),
    judgeFields(fields),
  );
}

const SAFEGUARDS = [
  { type: "dangerous_tool_use", classifier_context: { v: 1, permission_mode: "auto" } },
];
const SAFEGUARDS_BETA = "dangerous-tool-use-2026-09-03";
const VERDICT = {
  type: "message_delta",
  delta: {
    safeguard_results: [
      {
        type: "dangerous_tool_use",
        status: {
          type: "available",
          tool_uses: { toolu_01A: { type: "evaluated", outcome: "not_flagged" } },
        },
      },
    ],
  },
};

const safeguards: Check = {
  id: "body.safeguards",
  title: "The API can check tool calls in auto mode: safeguards and its results arrive",
  protects:
    "In auto mode the API decides whether a tool call is safe. If the field, its beta or the result is lost, Claude Code denies the call.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const relayed = await relay(
      context,
      marker,
      {
        body: conversation(marker, { stream: true, safeguards: SAFEGUARDS }),
        headers: [["anthropic-beta", SAFEGUARDS_BETA]],
      },
      {
        kind: "frames",
        frames: [{ text: `event: message_delta\ndata: ${JSON.stringify(VERDICT)}\n\n` }],
      },
    );
    const { record, response } = relayed;
    if (record === undefined) return lost("refused", `${response.head?.status ?? "no answer"}`);
    const arrived = judgeFields({ safeguards: SAFEGUARDS })("", relayed);
    if (!arrived.kept) return arrived;
    const beta = headerOf(record.headers, "anthropic-beta");
    if (beta !== SAFEGUARDS_BETA) return lost("beta-dropped", `the beta is ${beta ?? "missing"}`);
    const answered = judgeAnswer(relayed);
    return answered.kept ? kept("safeguards, its beta and safeguard_results arrived") : answered;
  },
};

export const bodyFields: readonly Check[] = [
  withFields(
    "unknown-fields",
    "Unknown fields arrive",
    "Anthropic adds features as new fields. A gateway that passes on only known fields silently disables them.",
    { future_field: { nested: [1, { deep: true }] }, "another-one": null },
  ),
  withFields(
    "context-management",
    "context_management and output_config arrive",
    "Without context_management, long sessions end early. Without output_config, effort and structured output are off.",
    {
      context_management: {
        edits: [{ type: "clear_tool_uses_20250919", keep: { type: "tool_uses", value: 3 } }],
      },
      output_config: {
        effort: "high",
        format: { type: "json_schema", schema: { type: "object" } },
      },
    },
  ),
  withFields(
    "metadata",
    "metadata arrives",
    "Claude Code puts session and device into metadata.user_id, which support and abuse handling use.",
    { metadata: { user_id: "user_abc_account_def_session_ghi" } },
  ),
  withFields(
    "metadata-all",
    "Every entry of metadata arrives",
    "The API may read more entries than user_id in the future.",
    { metadata: { user_id: "u", another: "entry" } },
  ),
  withFields(
    "reserved-names",
    "Fields with names that LiteLLM uses for its own settings arrive",
    "A gateway that reads its own settings from the body drops these fields, and lets an agent change the gateway's behavior.",
    {
      tags: ["a"],
      user: "u",
      timeout: 5,
      num_retries: 3,
      mock_response: "m",
      fallbacks: ["x"],
      cache: { "no-cache": true },
    },
  ),
  {
    id: "body.no-steering",
    title: "No field of the body changes the upstream or the credential",
    protects: "An agent that can choose the upstream can send the real key to its own host.",
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const elsewhere = `https://api.anthropic.com/steered-${marker}`;
      const named = { api_base: elsewhere, base_url: elsewhere, custom_llm_provider: "openai" };
      const seen: string[] = [];
      for (const fields of [...Object.entries(named), ["api_key", "sk-other"] as const]) {
        const body = conversation(marker, Object.fromEntries([fields]));
        const { record, response } = await relay(context, marker, { body }, ANY_BODY);
        const status = response.head?.status ?? 0;
        seen.push(`${fields[0]}: ${record === undefined ? `refused with ${status}` : "no effect"}`);
        const steered =
          record === undefined
            ? status < 400
            : record.url !== "/v1/messages" ||
              record.headers.some(([, value]) => value.includes("sk-other"));
        if (steered) return lost("steered", `${fields[0]} took effect: ${record?.url ?? status}`);
      }
      // A gateway that refuses every request would pass the checks above, so a plain request must succeed.
      const next = newMarker();
      const plain = await relay(context, next, { body: conversation(next) }, ANY_BODY);
      if (plain.record === undefined)
        return lost(
          "refused",
          `a plain request does not reach the upstream: ${plain.response.head?.status ?? "no answer"}`,
        );
      return kept(seen.join("; "));
    },
  },
  withFields(
    "system",
    "The blocks of the system prompt arrive unchanged, with the attribution block first",
    "Merged, moved or flattened blocks change the prompt and break the cache. The attribution block must stay separate and first.",
    {
      system: [
        {
          type: "text",
          text: "x-anthropic-billing-header: cc_version=2.1.331; cc_entrypoint=cli;",
        },
        {
          type: "text",
          text: "You are Claude Code.",
          cache_control: { type: "ephemeral", ttl: "1h" },
        },
        { type: "text", text: "<env>\n</env>" },
      ],
    },
  ),
  safeguards,
];
