import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { ScriptInput } from "../../lab/anthropic/scripts.ts";
import {
  conversation,
  messagesRequest,
  newMarker,
  type Sent,
} from "../../verify/conformance/checks/relay.ts";
import type { RawClient } from "../../verify/conformance/client/raw-client.ts";

/** The model of requests that are answered completely, and of those whose client leaves: the table keeps them apart. */
export const models = { finished: "claude-haiku-4-5-20251001", left: "claude-sonnet-4-6" } as const;

/** Most requests open at a time. The pod's connections are limited, and LiteLLM needs its CPU for each. */
const OPEN_AT_ONCE = 16;

/** The pause before each frame of a stream, so that a change of the gateway meets open streams. */
const GAP_MS = 150;

/** What the gateway answers while a part of it restarts. Claude Code tries again after it. */
const TRY_AGAIN = [502, 503];
const LONGEST_WAIT_MS = 60_000;

const LONG_TEXT = "A sentence of an answer that a person may read. ".repeat(40);

/** A kind of request, with how the upstream answers it. */
interface Kind {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Sent["headers"];
  readonly action?: ScriptInput["action"];
  /** The client leaves after this many bytes of the answer. */
  readonly leavesAfterBytes?: number;
}

const slowly = (content?: NonNullable<(ScriptInput["action"] & { kind: "message" })["content"]>) =>
  ({ kind: "message", gapMs: GAP_MS, ...(content && { content }) }) as const;

const CACHED = {
  system: [
    {
      type: "text",
      text: "A prompt that is long enough for the cache. ".repeat(700),
      cache_control: { type: "ephemeral" },
    },
  ],
};

const KINDS: readonly Kind[] = [
  { body: { stream: true }, action: slowly([{ type: "text", text: LONG_TEXT }]) },
  {},
  { body: { stream: true }, headers: [["Accept-Encoding", "gzip, br"]], action: slowly() },
  {
    body: { stream: true },
    action: slowly([{ type: "tool_use", name: "Bash", input: { usage: { output_tokens: 9 } } }]),
  },
  { body: { stream: true, ...CACHED }, action: slowly() },
  { action: { kind: "error", status: 529, type: "overloaded_error" } },
  { headers: [["Accept-Encoding", "gzip, br"]] },
  {
    body: { stream: true },
    action: slowly([{ type: "text", text: LONG_TEXT.repeat(2) }]),
    leavesAfterBytes: 3_000,
  },
];

/** How the requests of {@link sendMixed} ended. */
export interface Sum {
  finished: number;
  left: number;
  errors: number;
  /** Answers that broke off although the client did not leave. */
  broken: string[];
}

/** Sends mixed requests as two agents in turn. A request that the gateway cannot serve now is sent again. */
export async function sendMixed(
  clients: readonly RawClient[],
  control: AnthropicControl,
  count: number,
): Promise<Sum> {
  const sum: Sum = { finished: 0, left: 0, errors: 0, broken: [] };
  let next = 0;
  const sender = async () => {
    for (let index = next++; index < count; index = next++) {
      const client = clients[index % clients.length];
      const kind = KINDS[index % KINDS.length];
      if (client !== undefined && kind !== undefined) await sendOne(client, control, kind, sum);
    }
  };
  await Promise.all(Array.from({ length: OPEN_AT_ONCE }, sender));
  return sum;
}

async function sendOne(
  client: RawClient,
  control: AnthropicControl,
  kind: Kind,
  sum: Sum,
): Promise<void> {
  const marker = newMarker();
  const leaves = kind.leavesAfterBytes !== undefined;
  const model = leaves ? models.left : models.finished;
  const body = conversation(marker, { model, ...kind.body });
  if (kind.action !== undefined) {
    await control.push({ match: { bodyContains: marker }, times: null, action: kind.action });
  }
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const exchange = client.open(messagesRequest({ body, headers: kind.headers ?? [] }));
    if (kind.leavesAfterBytes !== undefined) {
      const head = await exchange.head(LONGEST_WAIT_MS);
      if (head?.status === 200) {
        await exchange.received(kind.leavesAfterBytes, LONGEST_WAIT_MS);
        exchange.abort();
        await exchange.response;
        sum.left += 1;
        return;
      }
    }
    const { head, ended, body: answer } = await exchange.response;
    const status = head?.status ?? 0;
    if (TRY_AGAIN.includes(status) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      continue;
    }
    if (status === 200 && ended === "end") sum.finished += 1;
    else if (status === 529 && ended === "end") sum.errors += 1;
    else sum.broken.push(`${status} ${ended} ${answer.toString().slice(0, 200)}`);
    return;
  }
}
