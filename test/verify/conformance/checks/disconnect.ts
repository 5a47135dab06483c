import type { ExchangeSummary } from "../../../lab/anthropic/records.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import {
  conversation,
  lastRecord,
  newMarker,
  openScripted,
  requestOf,
  seenUpstream,
  upstreamOf,
} from "./relay.ts";

const POLL_MS = 50;

const COSTS =
  "The API keeps generating an answer, at a cost, until it learns that the client is gone.";

const FIRST = 'event: ping\ndata: {"type": "ping"}\n\n';

/** Waits until the upstream's request with the marker has ended, and says how it ended. */
async function aborted(context: CheckContext, since: number, marker: string): Promise<Outcome> {
  const started = Date.now();
  const state = await waitForState(context, since, marker, (record) => record.endedAtMs !== null);
  const waited = `${((Date.now() - started) / 1000).toFixed(1)} s`;
  return state === "aborted"
    ? kept(`the upstream's connection ended ${waited} after the client's`)
    : lost(
        "goes-on",
        `${context.patienceMs / 1000} s after the client left, the upstream is still ${state ?? "waiting"}`,
      );
}

async function waitForState(
  context: CheckContext,
  since: number,
  marker: string,
  satisfied: (record: ExchangeSummary) => boolean,
): Promise<ExchangeSummary["state"] | undefined> {
  const upstream = upstreamOf(context);
  const deadline = Date.now() + context.patienceMs;
  for (;;) {
    const { record } = await seenUpstream(upstream, since, marker);
    if ((record !== undefined && satisfied(record)) || Date.now() > deadline) return record?.state;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const inStream: Check = {
  id: "disconnect.in-stream",
  title: "If a client disconnects during a stream, the API's request is canceled",
  protects: COSTS,
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const { exchange, since } = await openScripted(context, marker, {
      kind: "frames",
      frames: [{ text: FIRST }],
      end: "hang",
    });
    if (!(await exchange.received(FIRST.length)))
      return lost("no-stream", "the stream did not begin");
    exchange.abort();
    return aborted(context, since, marker);
  },
};

function whileWaiting(name: string, title: string, stream: boolean): Check {
  return {
    id: `disconnect.${name}`,
    title,
    protects: COSTS,
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const { exchange, since } = await openScripted(
        context,
        marker,
        { kind: "hang", after: "request" },
        { body: conversation(marker, stream ? { stream } : {}) },
      );
      const state = await waitForState(
        context,
        since,
        marker,
        (record) => record.receivedAtMs !== null,
      );
      if (state === undefined) return lost("refused", "the request did not come through");
      exchange.abort();
      return aborted(context, since, marker);
    },
  };
}

const inUpload: Check = {
  id: "disconnect.in-upload",
  title: "If a client disconnects while it sends a request, the API gets no complete request",
  protects: "A gateway must not complete half a request, which would then cost money.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const upstream = upstreamOf(context);
    const since = await lastRecord(upstream);
    const sent = conversation(marker);
    const exchange = context.client.open(
      requestOf({ path: `/v1/messages?marker=${marker}` }, [{ text: sent }], sent.length + 1000),
    );
    // Long enough that a gateway which streams requests has passed the bytes on. Streaming and buffering are both correct.
    await exchange.head(500);
    exchange.abort();
    await exchange.response;
    const after = newMarker();
    const { head } = await context.client.send(
      requestOf({}, [{ text: conversation(after) }], conversation(after).length),
    );
    // A gateway that passes on nothing at all would also pass the check above, so the next request must succeed.
    if (head?.status !== 200)
      return lost("no-answer", `the next request was answered with ${head?.status ?? "nothing"}`);
    const { record } = await seenUpstream(upstream, since, marker);
    if (record === undefined) return kept("the API got nothing of the request");
    const state = await waitForState(context, since, marker, ({ endedAtMs }) => endedAtMs !== null);
    return state === "aborted" && record.response === null
      ? kept("the API got the beginning of the request, and then the disconnect")
      : lost("completed", `the API got a request that is ${state ?? "unknown"}`);
  },
};

const neighbours: Check = {
  id: "disconnect.neighbours",
  title: "A client that disconnects does not affect others",
  protects: "Agents share a gateway, and often its connections to the API.",
  needs: ["upstream"],
  async run(context) {
    const upstream = upstreamOf(context);
    const open = async () => {
      const marker = newMarker();
      const frames = [{ text: FIRST }, { text: "data: last\n\n", gate: marker }];
      return { marker, ...(await openScripted(context, marker, { kind: "frames", frames })) };
    };
    const leaving = await open();
    const staying = [await open(), await open()];
    for (const { exchange } of [leaving, ...staying]) await exchange.received(FIRST.length);
    leaving.exchange.abort();
    // When the upstream sees the disconnect, any stream that the gateway cut along with it has ended too.
    await aborted(context, leaving.since, leaving.marker);
    for (const { marker } of [leaving, ...staying]) await upstream.openGate(marker);
    const ends = await Promise.all(staying.map(({ exchange }) => exchange.response));
    const whole = ends.filter(
      ({ body, ended }) => ended === "end" && body.toString() === `${FIRST}data: last\n\n`,
    );
    const seen = `${whole.length} of ${staying.length} other streams completed`;
    return whole.length === staying.length ? kept(seen) : lost("disturbed", seen);
  },
};

export const disconnect: readonly Check[] = [
  inStream,
  whileWaiting(
    "before-answer",
    "If a client disconnects before its stream begins, the API's request is canceled",
    true,
  ),
  whileWaiting(
    "not-streamed",
    "If a client disconnects while it waits for a non-streaming answer, the API's request is canceled",
    false,
  ),
  inUpload,
  neighbours,
];
