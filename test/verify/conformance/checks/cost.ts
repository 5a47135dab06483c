import type { ExchangeSummary } from "../../../lab/anthropic/records.ts";
import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import type { RawResponse } from "../client/raw-client.ts";
import { type Check, type CheckContext, kept, type LoggedRequest, lost } from "./check.ts";
import { excerpt } from "./compare.ts";
import {
  conversation,
  headerOf,
  lastRecord,
  messagesRequest,
  newMarker,
  relay,
  type Sent,
  seenUpstream,
  upstreamOf,
} from "./relay.ts";

const POLL_MS = 250;

/** More output than a budget of 0.01 USD pays: 4,000 tokens of the cheapest current model. */
const DEAR = "expensive ".repeat(1_600);

/** Requests until the budget of an agent with a few cents must be spent. */
const MOST_REQUESTS = 5;

/** A request whose tokens must be in the log. */
interface Metered {
  readonly what: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Sent["headers"];
  readonly action?: ScriptInput["action"];
  /** Default `metered`. */
  readonly result?: "free";
}

const CACHED = {
  system: [
    {
      type: "text",
      text: "A prompt that is long enough for the cache. ".repeat(600),
      cache_control: { type: "ephemeral", ttl: "1h" },
    },
  ],
};

const METERED: readonly Metered[] = [
  { what: "a JSON answer" },
  { what: "a stream", body: { stream: true } },
  {
    what: "a stream for a client that offers gzip and br",
    body: { stream: true },
    headers: [["Accept-Encoding", "gzip, br"]],
  },
  {
    what: "a tool call whose input contains usage",
    body: { stream: true },
    action: {
      kind: "message",
      content: [{ type: "tool_use", name: "Bash", input: { usage: { output_tokens: 999_999 } } }],
    },
  },
  { what: "a cached prompt", body: { stream: true, ...CACHED } },
  {
    what: "an error",
    action: { kind: "error", status: 529, type: "overloaded_error" },
    result: "free",
  },
];

const record: Check = {
  id: "cost.record",
  title: "The log has the tokens, model and cost of every answer",
  protects:
    "Without it nobody knows which agent spent the money, and no budget can be enforced. Errors must cost nothing.",
  needs: ["upstream", "requestLog"],
  async run(context) {
    const found: string[] = [];
    for (const request of METERED) {
      const problem = await compare(context, request);
      if (problem !== undefined) return lost(problem.loss, `${request.what}: ${problem.evidence}`);
      found.push(request.what);
    }
    return kept(`the log equals what the upstream counted for ${found.join(", ")}`);
  },
};

/** What differs between the log and the upstream's own count of one request. */
async function compare(context: CheckContext, request: Metered) {
  const marker = newMarker();
  const { record: upstream, response } = await relay(
    context,
    marker,
    {
      body: conversation(marker, request.body),
      headers: [["X-Claude-Code-Session-Id", marker], ...(request.headers ?? [])],
    },
    request.action,
  );
  if (upstream === undefined) {
    return {
      loss: "refused",
      evidence: `${response.head?.status ?? "no answer"} ${excerpt(response.body)}`,
    };
  }
  const line = await logged(context, marker);
  if (line === undefined) return { loss: "not-logged", evidence: "the log has no line" };
  const expected = expectedLine(upstream, request.result ?? "metered");
  const different = Object.entries(expected).filter(
    ([key, value]) => line[key as keyof LoggedRequest] !== value,
  );
  if (different.length > 0) {
    const seen = different.map(
      ([key, value]) =>
        `${key} is ${String(line[key as keyof LoggedRequest])} and not ${String(value)}`,
    );
    return { loss: "miscounted", evidence: seen.join(", ") };
  }
  const costs = (line.cost_usd ?? 0) > 0;
  if (costs !== (expected.metering === "metered")) {
    return { loss: "mispriced", evidence: `the cost is ${String(line.cost_usd)} USD` };
  }
  return undefined;
}

function expectedLine(
  { usage }: ExchangeSummary,
  metering: "metered" | "free",
): Partial<LoggedRequest> {
  if (metering === "free" || usage === null) return { metering };
  return {
    metering,
    model: usage.model,
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_tokens: usage.cache_read_input_tokens,
    cache_write_5m_tokens: usage.cache_creation.ephemeral_5m_input_tokens,
    cache_write_1h_tokens: usage.cache_creation.ephemeral_1h_input_tokens,
    estimated: false,
  };
}

/** The log line of a session, once it is written. */
async function logged(context: CheckContext, marker: string): Promise<LoggedRequest | undefined> {
  const { requestLog, patienceMs } = context;
  if (requestLog === undefined) throw new Error("this check needs the gateway's log");
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const [line] = await requestLog(marker);
    if (line !== undefined || Date.now() > deadline) return line;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const ceiling: Check = {
  id: "cost.ceiling",
  title: "An agent that has spent its budget is refused, and the others are not",
  protects:
    "An agent that runs unattended can loop. Without a ceiling it spends until a person notices, or until the limit of the whole organization is reached.",
  needs: ["upstream", "spender"],
  async run(context) {
    const { client, spender } = context;
    const upstream = upstreamOf(context);
    if (spender === undefined) throw new Error("this check needs an agent with a small budget");
    for (let attempt = 1; attempt <= MOST_REQUESTS; attempt++) {
      const marker = newMarker();
      await upstream.push({
        match: { bodyContains: marker },
        times: null,
        action: { kind: "message", content: [{ type: "text", text: DEAR }] },
      });
      const since = await lastRecord(upstream);
      const response = await spender.client.send(messagesRequest({ body: conversation(marker) }));
      if (response.head?.status === 200) continue;
      const problem = wrongRefusal(response, spender.agent);
      if (problem !== undefined) return lost("other-error", problem);
      const { requests } = await seenUpstream(upstream, since, marker);
      if (requests > 0) return lost("came-through", "the upstream got the refused request");
      const other = await client.send(messagesRequest({ body: conversation(newMarker()) }));
      return other.head?.status === 200
        ? kept(
            `after ${attempt - 1} requests: 429 ${excerpt(response.body)}; the other agent got 200`,
          )
        : lost("all-refused", `the other agent got ${other.head?.status ?? "no answer"}`);
    }
    return lost("not-refused", `${MOST_REQUESTS} requests were answered, each over the budget`);
  },
};

/** Why an answer does not make Claude Code stop and say what happened. */
function wrongRefusal({ head, body }: RawResponse, agent: string): string | undefined {
  const shown = `${head?.status ?? "no answer"} ${excerpt(body)}`;
  const header = (name: string) => headerOf(head?.headers, name);
  const text = body.toString();
  const problems = [
    ...(head?.status === 429 ? [] : ["the status is not 429"]),
    ...(text.startsWith('{"type":"error","error":{"type":"rate_limit_error"')
      ? []
      : ["the body is not a rate_limit_error in the API's form"]),
    ...(text.includes(agent) ? [] : [`the message does not name ${agent}`]),
    ...(header("x-should-retry") === "false" ? [] : ["x-should-retry is not false"]),
    ...(Number(header("retry-after")) > 0 ? [] : ["retry-after is not a number of seconds"]),
  ];
  return problems.length === 0 ? undefined : `${problems.join(", ")}: ${shown}`;
}

export const cost: readonly Check[] = [record, ceiling];
