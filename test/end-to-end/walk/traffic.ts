import { readFileSync } from "node:fs";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { Target } from "../../lab/target.ts";

/** The results of the requests that ran during something. */
export interface Traffic {
  readonly stream: { readonly status?: number; readonly body?: string; readonly error?: string };
  readonly requests: { readonly completed: number; readonly lost: readonly unknown[] };
}

/** An agent's pod that sends traffic, with its gateway settings. */
export interface Sender {
  readonly namespace: string;
  readonly gatewayNamespace: string;
  readonly pod: string;
  readonly baseUrl: string;
  readonly token: string;
}

const INTERVAL_MS = 250;
const TEXTS = ["before the switch, ", "after the switch"];
const script = readFileSync(new URL("traffic.mjs", import.meta.url), "utf8");

/** The stream's expected text if nothing is lost. */
export const STREAM_TEXT = TEXTS.join("");

/**
 * Keeps a stream open and sends small requests through the gateway while `work` runs. The stream's second half is sent
 * when a gateway pod is being replaced, for which `work` waits, or after `work`.
 */
export async function trafficDuring(
  target: Target,
  control: AnthropicControl,
  sender: Sender,
  marker: string,
  work: () => Promise<void>,
): Promise<Traffic> {
  await control.push({
    match: { path: "/v1/messages", bodyContains: `stream ${marker}` },
    action: { kind: "frames", frames: frames(marker) },
  });
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const traffic = target.kubectl(
    [
      ...["exec", "--stdin", `--namespace=${sender.namespace}`, sender.pod, "--"],
      ...["env", `TRAFFIC=${JSON.stringify({ ...sender, marker, intervalMs: INTERVAL_MS })}`],
      ...["node", "--input-type=module", "--eval", script],
    ],
    { input: untilThen(finished) },
  );
  try {
    await Promise.race([
      control.waitFor(
        (record) => record.state === "answering" && (record.response?.frames.length ?? 0) > 0,
        30_000,
      ),
      // Ends before `work` only if it fails, and then reports why.
      traffic,
    ]);
    const over = new AbortController();
    const working = work().finally(() => {
      over.abort();
    });
    await Promise.race([working, podOnItsWayOut(target, sender.gatewayNamespace, over.signal)]);
    await new Promise((resolve) => setTimeout(resolve, 10 * INTERVAL_MS));
    await control.openGate(marker);
    await working;
    await new Promise((resolve) => setTimeout(resolve, 10 * INTERVAL_MS));
  } finally {
    finish();
  }
  return JSON.parse(await traffic) as Traffic;
}

/** Resolves when a pod of the namespace is terminating. */
async function podOnItsWayOut(target: Target, namespace: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const times = "--output=jsonpath={.items[*].metadata.deletionTimestamp}";
    const list = await target.kubectl(["get", "pods", `--namespace=${namespace}`, times]);
    if (list.trim() !== "") return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The text in a stream's events. */
export function streamedText(body: string): string {
  return [...body.matchAll(/"text_delta","text":("(?:[^"\\]|\\.)*")/g)]
    .map((match) => JSON.parse(match[1] ?? '""') as string)
    .join("");
}

// An empty stdin that stays open until `end`.
async function* untilThen(end: Promise<void>): AsyncIterable<Buffer> {
  await end;
  yield Buffer.alloc(0);
}

function frames(marker: string) {
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  const delta = (text: string) =>
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text } });
  const message = {
    id: `msg_${marker}`,
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [],
    stop_reason: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  const [first = "", second = ""] = TEXTS;
  return [
    {
      text:
        event("message_start", { message }) +
        event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
        delta(first),
    },
    { text: delta(second), gate: marker },
    {
      text:
        event("content_block_stop", { index: 0 }) +
        event("message_delta", {
          delta: { stop_reason: "end_turn", stop_sequence: null },
          usage: { output_tokens: 2 },
        }) +
        event("message_stop", {}),
    },
  ];
}
