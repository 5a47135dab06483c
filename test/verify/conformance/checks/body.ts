import { gzipSync } from "node:zlib";
import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import { bodyFields } from "./body-fields.ts";
import { ANY_BODY, sentUp } from "./body-sent.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import { excerpt, judgeAnswer } from "./compare.ts";
import { exactNumber, jsonDifferences } from "./json.ts";
import {
  conversation,
  headerOf,
  lastRecord,
  messagesRequest,
  MODEL,
  newMarker,
  relay,
  type Relayed,
  requestOf,
  seenUpstream,
  upstreamOf,
} from "./relay.ts";

function judgeBytes(sent: string, { requestBody }: Relayed): Outcome {
  if (requestBody.equals(Buffer.from(sent)))
    return kept(`${requestBody.length} bytes arrived as sent`);
  const differences = jsonDifferences(sent, requestBody.toString());
  return differences.length === 0
    ? lost(
        "re-encoded",
        `the same JSON in other bytes: ${excerpt(sent)} became ${excerpt(requestBody)}`,
      )
    : lost("changed", differences.join("; "));
}

const ODD_SPELLING = (marker: string) =>
  `{ "model" : "${MODEL}",\n\t"max_tokens":1e3, "temperature": 1.0, "messages": [ {"role":"user","content":"${marker} caf\\u00e9 café \\/ \\u001f"} ] }\r\n`;

const NUMBERS = [
  "9007199254740993",
  "12345678901234567890123",
  "0.1",
  "1e3",
  "2.50",
  "-7",
  "1E-7",
  "3.141592653589793238",
];

const numbers = sentUp(
  "numbers",
  "Numbers keep their exact value",
  "A number that passes through floating point comes out as another one: identifiers in tool results are numbers too.",
  (marker) => conversation(marker, { numbers: "HERE" }).replace('"HERE"', `[${NUMBERS.join(",")}]`),
  (_, { requestBody }) => {
    const arrived = /"numbers":\s*\[([^\]]*)\]/.exec(requestBody.toString())?.[1]?.split(",") ?? [];
    const changed = NUMBERS.flatMap((text, index) => {
      const now = arrived[index]?.trim() ?? "nothing";
      return exactNumber(now) === exactNumber(text) ? [] : [`${text} became ${now}`];
    });
    return changed.length === 0
      ? kept(`${NUMBERS.length} numbers have the value that was sent`)
      : lost("rounded", changed.join("; "));
  },
);

const loneSurrogate = sentUp(
  "lone-surrogate",
  "Half an emoji, as a cut text has it, passes",
  "Output that a tool cut in the middle of a character is sent with half of it; a gateway that cannot encode it refuses the whole turn, every turn.",
  (marker) => conversation(marker).replace(marker, `${marker} \\ud83d`),
);

const chunked: Check = {
  id: "body.chunked",
  title: "A body sent in chunks arrives whole",
  protects: "HTTP clients may leave the length open; the body counts, not its framing.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const upstream = upstreamOf(context);
    await upstream.push({ match: { bodyContains: marker }, times: null, action: ANY_BODY });
    const since = await lastRecord(upstream);
    const sent = conversation(marker);
    const request = messagesRequest({ body: sent });
    const pieces = sent.match(/.{1,50}/gs) ?? [];
    const chunks = pieces.map(
      (piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`,
    );
    const { head, body } = await context.client.send({
      ...request,
      headers: [
        ...request.headers.filter(([name]) => name !== "Content-Length"),
        ["Transfer-Encoding", "chunked"],
      ],
      body: [{ text: `${chunks.join("")}0\r\n\r\n` }],
    });
    const { requestBody, record } = await seenUpstream(upstream, since, marker);
    if (record === undefined)
      return lost("refused", `${head?.status ?? "no answer"} ${excerpt(body)}`);
    const differences = jsonDifferences(sent, requestBody.toString());
    return differences.length === 0
      ? kept(`${chunks.length} chunks made the same JSON`)
      : lost("changed", differences.join("; "));
  },
};

const compressed: Check = {
  id: "body.compressed",
  title: "A request in gzip arrives as sent",
  protects:
    "Claude Code can compress what it sends (CLAUDE_CODE_GZIP_REQUEST_BODIES), and the API reads it; a gateway that reads bodies has to as well.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const upstream = upstreamOf(context);
    const since = await lastRecord(upstream);
    const sent = conversation(marker);
    const bytes = gzipSync(sent);
    const { head, body } = await context.client.send(
      requestOf(
        { path: `/v1/messages?beta=${marker}`, headers: [["Content-Encoding", "gzip"]] },
        [{ base64: bytes.toString("base64") }],
        bytes.length,
      ),
    );
    const { requestBody, record } = await seenUpstream(upstream, since, marker);
    if (record === undefined || head?.status !== 200)
      return lost("refused", `${head?.status ?? "no answer"} ${excerpt(body)}`);
    const encoding = headerOf(record.headers, "content-encoding");
    if (encoding === "gzip" && requestBody.equals(bytes))
      return kept(`${bytes.length} bytes in gzip arrived as sent`);
    return encoding === undefined && jsonDifferences(sent, requestBody.toString()).length === 0
      ? lost("decompressed", "the same JSON, no longer compressed")
      : lost("changed", `in ${encoding ?? "no encoding"}: ${excerpt(requestBody)}`);
  },
};

function answeredWith(
  name: string,
  title: string,
  protects: string,
  action: ScriptInput["action"],
): Check {
  return {
    id: `body.${name}`,
    title,
    protects,
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const headers = [["Accept-Encoding", "gzip, deflate, br, zstd"]] as const;
      return judgeAnswer(
        await relay(context, marker, { body: conversation(marker), headers }, action),
      );
    },
  };
}

const ODD_ANSWER =
  '{ "type":"message", "usage":{"input_tokens":1e1},\n "text":"caf\\u00e9 café","new":[1.0,null] }';

async function countTokens({ client }: CheckContext): Promise<Outcome> {
  const body = JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "count me" }] });
  const { head, body: answer } = await client.send(
    messagesRequest({ path: "/v1/messages/count_tokens?beta=true", body }),
  );
  const seen = `${head?.status ?? "no answer"} ${excerpt(answer)}`;
  return head?.status === 200 && /^\{"input_tokens":\s*\d+\}$/.test(answer.toString().trim())
    ? kept(seen)
    : lost("refused", seen);
}

export const body: readonly Check[] = [
  sentUp(
    "bytes",
    "A request arrives byte for byte",
    "Whatever a gateway parses and writes anew it can write differently. Equal bytes end every question.",
    ODD_SPELLING,
    judgeBytes,
  ),
  sentUp(
    "json",
    "A request is the same JSON, keys in the same order",
    "The order of keys in a tool's schema is part of what is cached, and of what the model reads.",
    (marker) =>
      conversation(marker, {
        z: 1,
        a: { z: [], y: {}, x: null, w: "", v: false },
        tools: [
          {
            name: "b",
            input_schema: { type: "object", required: [], properties: { b: {}, a: {} } },
          },
        ],
      }),
  ),
  numbers,
  sentUp(
    "unicode",
    "Every character arrives",
    "Code and prose hold all of Unicode, escaped or not.",
    (marker) =>
      conversation(marker, {
        text: 'é 漢字 😀 \u2028 \u0000 \ufeff \\ / " \u{10ffff}',
        ключ: "значение",
      }),
  ),
  loneSurrogate,
  sentUp(
    "waf",
    "Text that looks like an attack passes",
    "Source code holds scripts, queries and paths; a firewall that reads bodies refuses real sessions only.",
    (marker) =>
      conversation(marker, {
        text: "<script>alert(1)</script> ' OR 1=1; DROP TABLE users; -- ../../etc/passwd ${jndi:ldap://x} <!ENTITY x SYSTEM 'file:///etc/passwd'>",
      }),
  ),
  ...bodyFields,
  chunked,
  compressed,
  {
    id: "body.count-tokens",
    title: "count_tokens is answered",
    protects: "Without it Claude Code counts by asking the model, which is paid for.",
    needs: [],
    run: countTokens,
  },
  answeredWith(
    "answer-bytes",
    "An answer arrives byte for byte",
    "Usage, tool calls and signatures are in it; what is written anew can be written differently.",
    {
      kind: "raw",
      status: 200,
      headers: [
        ["Content-Type", "application/json"],
        ["request-id", "req_odd"],
      ],
      body: { text: ODD_ANSWER },
    },
  ),
  answeredWith(
    "answer-compressed",
    "A compressed answer arrives as sent",
    "An encoding that is announced wrongly makes the answer unreadable.",
    {
      kind: "raw",
      status: 200,
      headers: [
        ["Content-Type", "application/json"],
        ["Content-Encoding", "gzip"],
      ],
      body: { base64: gzipSync(ODD_ANSWER).toString("base64") },
    },
  ),
  answeredWith(
    "answer-stream-compressed",
    "A compressed stream arrives as sent",
    "Over a slow or paid line a stream counts many times its compressed size.",
    {
      kind: "frames",
      frames: Array.from({ length: 20 }, (_, index) => ({ text: `: ${index}\n\n` })),
    },
  ),
];
