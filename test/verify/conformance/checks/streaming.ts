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
import { slowReader } from "./slow-reader.ts";

const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const delta = (text: string) =>
  event("content_block_delta", {
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text },
  });

/** Sends pieces one by one, each only when the client can read the one before it. The client may offer an encoding. */
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
      : lost("unreadable", `Content-Encoding is ${encoding}, but the body is ${excerpt(body)}`);
  }
  if (heldBack !== undefined) return lost("held-back", heldBack);
  const { record } = await seenUpstream(upstream, since, marker);
  return kept(
    `${pieces.length} pieces, ${bytes} bytes, each readable before the next was sent; the API sent them ${encodingOf(record?.response?.headers)}, they arrived ${encoding}`,
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
 * The client offers an encoding, so the API compresses the stream. HTTP allows a gateway to decode it; whether the stream
 * stays compressed is checked by `body.answer-stream-compressed`.
 */
function offering(encoding: ContentEncoding): Check {
  return {
    id: `streaming.${encoding}`,
    title: `A client that offers ${encoding} can read each event at once`,
    protects:
      "Claude Code offers gzip, br and zstd, and the API compresses its streams. A gateway that decodes them can delay events. A wrong Content-Encoding makes them unreadable.",
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

/** A stream that is silent for a while and then ends properly. */
function quiet(seconds: number, needs: Check["needs"]): Check {
  return {
    id: `streaming.quiet-${seconds}s`,
    title: `A stream that is silent for ${seconds} seconds stays open`,
    protects:
      "A model that thinks for a long time sends nothing meanwhile. Claude Code waits 300 seconds. If a gateway cuts the stream earlier, the turn fails.",
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
  title: "A streamed answer begins and ends with the events that the API specifies",
  protects: "Claude Code takes an answer without its end for a broken one and requests it again.",
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
  "Pings and comments reset Claude Code's 300-second watchdog while the model thinks.";

export const streaming: readonly Check[] = [
  wellFormed,
  immediate(
    "immediate",
    "Each event arrives before the next one is sent",
    "Delayed events make an agent look dead and trigger its watchdogs.",
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
    "Half an event, cut inside a character, also arrives at once",
    "A gateway that waits for complete events delays events that come in pieces.",
    ["event: content_block_delta\n", 'data: {"text":"caf', 'é"}\n', "\n"],
  ),
  ...contentEncodings.map(offering),
  relayed(
    "bytes",
    "A stream arrives byte for byte, including line ends and spaces",
    "A gateway that parses and rewrites events can change them.",
    [
      'event:content_block_delta\r\ndata:{"a" : 1}\r\n\r\n',
      'id: 7\nretry: 10\nevent: x\ndata: {"b":\ndata: 2}\n\n',
      "data: no event name\n\n",
      event("message_stop", { type: "message_stop" }),
    ],
  ),
  relayed(
    "unknown-events",
    "Unknown events arrive as sent",
    "The API adds events. A gateway that passes on only known events drops new ones.",
    [event("future_event", { type: "future_event", deep: { field: [1, 2.5, null] } })],
  ),
  relayed(
    "many",
    "Two thousand small events arrive complete and in order",
    "A delta in the wrong place makes a wrong answer.",
    Array.from({ length: 2000 }, (_, index) => delta(`${index} `)),
  ),
  relayed(
    "large-event",
    "One event of a megabyte arrives complete",
    "A tool call that writes a file can be one large event.",
    [delta("x".repeat(1_000_000))],
  ),
  slowReader,
  quiet(20, ["upstream"]),
  quiet(310, ["upstream", "long"]),
];
