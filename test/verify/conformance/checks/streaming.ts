import type { HeaderPair } from "../client/raw-client.ts";
import { type ContentEncoding, contentEncodings } from "../client/content-encoding.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import { decoded, excerpt, judgeAnswer, quoted } from "./compare.ts";
import {
  conversation,
  headerOf,
  messagesRequest,
  newMarker,
  openScripted,
  relay,
  seenUpstream,
  upstreamOf,
} from "./relay.ts";

const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const delta = (text: string) =>
  event("content_block_delta", {
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text },
  });

/** Sends pieces one by one, each only after the one before it can be read; the client may offer an encoding. */
async function oneByOne(
  context: CheckContext,
  pieces: readonly string[],
  offered?: ContentEncoding,
): Promise<Outcome> {
  const marker = newMarker();
  const upstream = upstreamOf(context);
  const gate = (index: number) => `${marker}-${index}`;
  const { exchange, since } = await openScripted(
    context,
    marker,
    { kind: "frames", frames: pieces.map((text, index) => ({ text, gate: gate(index) })) },
    {
      body: conversation(marker, { stream: true }),
      headers: offered === undefined ? [] : [["Accept-Encoding", offered]],
    },
  );
  const openAll = () => Promise.all(pieces.map((_, index) => upstream.openGate(gate(index))));
  if ((await exchange.head(context.patienceMs)) === undefined) {
    await openAll();
    return lost("held-back", "the answer's headers did not arrive before the first event was sent");
  }
  let bytes = 0;
  let heldBack: string | undefined;
  for (const [index, text] of pieces.entries()) {
    await upstream.openGate(gate(index));
    bytes += Buffer.byteLength(text);
    if (!(await exchange.received(bytes, context.patienceMs))) {
      heldBack = `piece ${index + 1} of ${pieces.length}, ${excerpt(text)}, did not arrive before the next was sent`;
      await openAll();
      break;
    }
  }
  const { head, body } = await exchange.response;
  const encoding = encodingOf(head?.headers);
  if (decoded(head?.headers ?? [], body)?.toString() !== pieces.join("")) {
    return encoding === (offered ?? NOT_ENCODED)
      ? lost("changed", `the stream became ${excerpt(body)}`)
      : lost("unreadable", `announced as ${encoding}: ${excerpt(body)}`);
  }
  if (heldBack !== undefined) return lost("held-back", heldBack);
  const { record } = await seenUpstream(upstream, since, marker);
  return kept(
    `${pieces.length} pieces, ${bytes} bytes, each there before the next was sent; the API sent them ${encodingOf(record?.response?.headers)}, they arrived ${encoding}`,
  );
}

const NOT_ENCODED = "not encoded";

function encodingOf(headers: readonly HeaderPair[] | undefined): string {
  return headerOf(headers, "content-encoding") ?? NOT_ENCODED;
}

function immediate(
  name: string,
  title: string,
  protects: string,
  pieces: readonly string[],
): Check {
  return {
    id: `streaming.${name}`,
    title,
    protects,
    needs: ["upstream"],
    run: (context) => oneByOne(context, pieces),
  };
}

/**
 * A client that offers an encoding, with which the API then compresses the stream. It may arrive without, as
 * HTTP has it: whether it stays compressed is what `body.answer-stream-compressed` asks.
 */
function offering(encoding: ContentEncoding): Check {
  return {
    id: `streaming.${encoding}`,
    title: `Each event is readable at once for a client that offers ${encoding}`,
    protects:
      "Claude Code offers gzip, br and zstd, and the API compresses its streams. Whoever decodes them on the way can hold events back; whoever announces the wrong encoding makes them unreadable.",
    needs: ["upstream"],
    run: (context) => oneByOne(context, EVENTS, encoding),
  };
}

function relayed(name: string, title: string, protects: string, frames: readonly string[]): Check {
  return {
    id: `streaming.${name}`,
    title,
    protects,
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const body = conversation(marker, { stream: true });
      return judgeAnswer(
        await relay(
          context,
          marker,
          { body },
          { kind: "frames", frames: frames.map((text) => ({ text })) },
        ),
      );
    },
  };
}

/** A stream that says nothing for a while and then ends as it should. */
function quiet(seconds: number, needs: Check["needs"]): Check {
  return {
    id: `streaming.quiet-${seconds}s`,
    title: `A stream that is silent for ${seconds} seconds stays open`,
    protects:
      "A model that thinks for long says nothing meanwhile. Claude Code itself waits 300 seconds; whoever cuts earlier costs the turn.",
    needs,
    slow: true,
    async run(context) {
      const marker = newMarker();
      const pieces = [delta("before"), delta("after")] as const;
      const { exchange } = await openScripted(
        context,
        marker,
        {
          kind: "frames",
          frames: [{ text: pieces[0] }, { text: pieces[1], afterMs: seconds * 1000 }],
        },
        { body: conversation(marker, { stream: true }) },
        (seconds + 60) * 1000,
      );
      const { body, ended } = await exchange.response;
      if (ended !== "end")
        return lost("cut", `the stream ended with ${quoted(ended)} after ${excerpt(body)}`);
      return body.toString() === pieces.join("")
        ? kept(`${seconds} s of silence, then the rest of the stream and its end`)
        : lost("changed", `the stream became ${excerpt(body)}`);
    },
  };
}

const wellFormed: Check = {
  id: "streaming.well-formed",
  title: "A streamed answer begins and ends as the API's protocol says",
  protects: "An answer without its end is taken for a broken one, and asked for again.",
  needs: [],
  async run({ client }) {
    const marker = newMarker();
    const { head, body, ended } = await client.send(
      messagesRequest({ body: conversation(marker, { stream: true }) }),
    );
    const names = [...body.toString().matchAll(/^event: (.*)$/gm)].map((match) => match[1]);
    const seen = `${head?.status ?? "no answer"}, ${names.length} events, ended with ${quoted(ended)}`;
    const type = headerOf(head?.headers, "content-type");
    if (type?.startsWith("text/event-stream") !== true)
      return lost("content-type", `${seen}, ${type ?? "no type"}`);
    return names[0] === "message_start" && names.at(-1) === "message_stop" && ended === "end"
      ? kept(seen)
      : lost("incomplete", seen);
  },
};

const EVENTS = [
  delta("one"),
  delta("two"),
  delta("three"),
  event("message_stop", { type: "message_stop" }),
];

const PINGS_MATTER =
  "Pings and comments are what keeps Claude Code's watchdog of 300 seconds quiet while the model thinks.";

export const streaming: readonly Check[] = [
  wellFormed,
  immediate(
    "immediate",
    "Each event arrives before the next one is sent",
    "Held-back events make an agent look dead and trip its watchdogs.",
    EVENTS,
  ),
  immediate("pings", "Pings and comments arrive at once and unchanged", PINGS_MATTER, [
    'event: ping\ndata: {"type": "ping"}\n\n',
    ": keep-alive\n\n",
    ":\n",
    'event: ping\ndata: {"type": "ping"}\n\n',
  ]),
  immediate(
    "split",
    "Half an event, cut inside a character, arrives at once too",
    "A gateway that waits for whole events holds back what comes in pieces.",
    ["event: content_block_delta\n", 'data: {"text":"caf', 'é"}\n', "\n"],
  ),
  ...contentEncodings.map(offering),
  relayed(
    "bytes",
    "A stream's bytes arrive as sent, line ends, spaces and all",
    "Whatever is parsed and written anew can be written differently.",
    [
      'event:content_block_delta\r\ndata:{"a" : 1}\r\n\r\n',
      'id: 7\nretry: 10\nevent: x\ndata: {"b":\ndata: 2}\n\n',
      "data: no event name\n\n",
      event("message_stop", { type: "message_stop" }),
    ],
  ),
  relayed(
    "unknown-events",
    "Events that nobody knows yet arrive as sent",
    "The API adds events; a gateway that knows the list of today drops those of tomorrow.",
    [event("future_event", { type: "future_event", deep: { field: [1, 2.5, null] } })],
  ),
  relayed(
    "many",
    "Two thousand small events arrive complete and in order",
    "Order is meaning: a delta in the wrong place is a wrong answer.",
    Array.from({ length: 2000 }, (_, index) => delta(`${index} `)),
  ),
  relayed(
    "large-event",
    "One event of a megabyte arrives whole",
    "A file that a tool call writes comes as one large event.",
    [delta("x".repeat(1_000_000))],
  ),
  quiet(20, ["upstream"]),
  quiet(310, ["upstream", "long"]),
];
