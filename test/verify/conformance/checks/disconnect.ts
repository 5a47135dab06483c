import type { ExchangeSummary } from "../../../lab/anthropic/records.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import {
  conversation,
  lastRecord,
  messagesRequest,
  newMarker,
  openScripted,
  requestOf,
  seenUpstream,
  upstreamOf,
} from "./relay.ts";

const POLL_MS = 50;

const COSTS =
  "What nobody reads any more is still generated and paid for until the API learns that the client is gone.";

const FIRST = 'event: ping\ndata: {"type": "ping"}\n\n';

/** Waits until the request with the marker is over at the upstream, and tells how it ended. */
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
  title: "A client that leaves in the middle of a stream ends the API's work",
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
  title: "A client that leaves in the middle of its request has asked nothing",
  protects: "Half a request must not be completed by a gateway and paid for.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const upstream = upstreamOf(context);
    const since = await lastRecord(upstream);
    const sent = conversation(marker);
    const exchange = context.client.open(
      requestOf({ path: `/v1/messages?marker=${marker}` }, [{ text: sent }], sent.length + 1000),
    );
    // Long enough for a gateway that passes bytes on at once to have done so; either is right.
    await exchange.head(500);
    exchange.abort();
    await exchange.response;
    const after = newMarker();
    const { head } = await context.client.send(
      requestOf({}, [{ text: conversation(after) }], conversation(after).length),
    );
    // A gateway that passes on nothing at all would have kept this back too.
    if (head?.status !== 200)
      return lost("no-answer", `the next request was answered with ${head?.status ?? "nothing"}`);
    const { record } = await seenUpstream(upstream, since, marker);
    if (record === undefined) return kept("the API never heard of it");
    const state = await waitForState(context, since, marker, ({ endedAtMs }) => endedAtMs !== null);
    return state === "aborted" && record.response === null
      ? kept("the API saw the beginning, and the client leave")
      : lost("completed", `the API saw a request that is ${state ?? "unknown"}`);
  },
};

const neighbours: Check = {
  id: "disconnect.neighbours",
  title: "One client that leaves disturbs no other",
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
    // Whom the gateway takes along is taken along by the time it has told the upstream.
    await aborted(context, leaving.since, leaving.marker);
    for (const { marker } of [leaving, ...staying]) await upstream.openGate(marker);
    const ends = await Promise.all(staying.map(({ exchange }) => exchange.response));
    const whole = ends.filter(
      ({ body, ended }) => ended === "end" && body.toString() === `${FIRST}data: last\n\n`,
    );
    const seen = `${whole.length} of ${staying.length} other streams went on to their end`;
    return whole.length === staying.length ? kept(seen) : lost("disturbed", seen);
  },
};

const pooled: Check = {
  id: "disconnect.pooled",
  title: "A connection that the API has reset costs no request",
  protects:
    "The API's edge closes and resets idle connections; a gateway that keeps them and does not notice answers the next request of some agent with an error.",
  needs: ["upstream"],
  // A request of another check that is on its way through such a connection would be lost with it.
  alone: true,
  async run(context) {
    const answered: string[] = [];
    let reset = 0;
    for (let round = 0; round < 4; round++) {
      const body = conversation(newMarker());
      const { head } = await context.client.send(messagesRequest({ body }));
      answered.push(String(head?.status ?? "no answer"));
      reset += await upstreamOf(context).resetIdleConnections();
    }
    const seen = `${reset} idle connections were reset, requests between were answered ${answered.join(", ")}`;
    return answered.every((status) => status === "200") ? kept(seen) : lost("failed", seen);
  },
};

export const disconnect: readonly Check[] = [
  inStream,
  whileWaiting(
    "before-answer",
    "A client that leaves before its stream began ends the API's work",
    true,
  ),
  whileWaiting(
    "not-streamed",
    "A client that leaves while it waits for a whole answer ends the API's work",
    false,
  ),
  inUpload,
  neighbours,
  pooled,
];
