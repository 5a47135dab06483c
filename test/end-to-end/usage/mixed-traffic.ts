import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { ScriptInput } from "../../lab/anthropic/scripts.ts";
import {
  conversation,
  lastRecord,
  messagesRequest,
  newMarker,
  type Sent,
} from "../../verify/conformance/checks/relay.ts";
import type { RawClient } from "../../verify/conformance/client/raw-client.ts";

/** The model of requests that are answered completely, and of those whose client leaves: the table keeps them apart. */
export const models = { finished: "claude-haiku-4-5-20251001", left: "claude-sonnet-4-6" } as const;

/** How many requests {@link sendMixed} has open at a time. */
const OPEN_AT_ONCE = 8;

/** The pause before each frame of a stream, so that a change of the gateway meets open streams. */
const GAP_MS = 150;

/** What the gateway answers while a part of it restarts. Claude Code tries again after it. */
const TRY_AGAIN = [502, 503];
const LONGEST_WAIT_MS = 180_000;

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

/** How mixed requests ended. */
export interface Sum {
  finished: number;
  left: number;
  errors: number;
  /** Answers that broke off although the client did not leave. */
  broken: string[];
}

/** Requests that the upstream holds before it answers. */
export interface Held {
  /** Lets the upstream answer, and waits for all of them. */
  release(): Promise<Sum>;
}

/** Sends mixed requests as the agents in turn. A request that the gateway cannot serve now is sent again. */
export async function sendMixed(
  clients: readonly RawClient[],
  control: AnthropicControl,
  count: number,
): Promise<Sum> {
  const sum = newSum();
  let next = 0;
  const sender = async () => {
    for (let index = next++; index < count; index = next++) {
      const request = mixedRequest(index);
      if (request.script !== undefined) await control.push(request.script);
      await sendOne(clientOf(clients, index), request, sum);
    }
  };
  await Promise.all(Array.from({ length: OPEN_AT_ONCE }, sender));
  return sum;
}

/** Sends mixed requests as the agents in turn, all at once. Resolves when all of them have reached the upstream. */
export async function holdMixed(
  clients: readonly RawClient[],
  control: AnthropicControl,
  count: number,
): Promise<Held> {
  const gate = newMarker();
  const requests = Array.from({ length: count }, (_, index) => mixedRequest(index, gate));
  await control.push(...requests.flatMap(({ script }) => script ?? []));
  const since = await lastRecord(control);
  const sum = newSum();
  const all = Promise.all(
    requests.map((request, index) => sendOne(clientOf(clients, index), request, sum)),
  );
  await untilOpen(control, since, count);
  return {
    async release() {
      await control.openGate(gate);
      await all;
      return sum;
    },
  };
}

async function untilOpen(control: AnthropicControl, since: number, count: number): Promise<void> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const records = await control.records(since);
    const open = records.filter(({ endedAtMs }) => endedAtMs === null).length;
    if (open >= count) return;
    if (Date.now() > deadline) throw new Error(`only ${open} of ${count} requests are open`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

const newSum = (): Sum => ({ finished: 0, left: 0, errors: 0, broken: [] });

function clientOf(clients: readonly RawClient[], index: number): RawClient {
  const client = clients[index % clients.length];
  if (client === undefined) throw new Error("mixed traffic needs at least one client");
  return client;
}

interface MixedRequest {
  readonly kind: Kind;
  readonly sent: Sent;
  /** How the upstream answers; missing where it answers as it does without a script. */
  readonly script?: ScriptInput;
}

/** The request with that number. With `gate`, its answer waits until the gate is opened. */
function mixedRequest(index: number, gate?: string): MixedRequest {
  const kind = KINDS[index % KINDS.length] ?? {};
  const marker = newMarker();
  const model = kind.leavesAfterBytes === undefined ? models.finished : models.left;
  const action = kind.action ?? (gate === undefined ? undefined : ({ kind: "message" } as const));
  return {
    kind,
    sent: { body: conversation(marker, { model, ...kind.body }), headers: kind.headers ?? [] },
    ...(action && {
      script: { match: { bodyContains: marker }, times: null, action, ...(gate && { gate }) },
    }),
  };
}

async function sendOne(
  client: RawClient,
  { kind: { leavesAfterBytes }, sent }: MixedRequest,
  sum: Sum,
): Promise<void> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const exchange = client.open(messagesRequest(sent), LONGEST_WAIT_MS);
    if (leavesAfterBytes !== undefined) {
      const head = await exchange.head(LONGEST_WAIT_MS);
      if (head?.status === 200) {
        await exchange.received(leavesAfterBytes, LONGEST_WAIT_MS);
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
