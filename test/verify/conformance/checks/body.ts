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
        `the same JSON, but other bytes: ${excerpt(sent)} became ${excerpt(requestBody)}`,
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
  "Conversion to floating point changes large numbers, for example identifiers in tool results.",
  (marker) => conversation(marker, { numbers: "HERE" }).replace('"HERE"', `[${NUMBERS.join(",")}]`),
  (_, { requestBody }) => {
    const arrived = /"numbers":\s*\[([^\]]*)\]/.exec(requestBody.toString())?.[1]?.split(",") ?? [];
    const changed = NUMBERS.flatMap((text, index) => {
      const now = arrived[index]?.trim() ?? "nothing";
      return exactNumber(now) === exactNumber(text) ? [] : [`${text} became ${now}`];
    });
    return changed.length === 0
      ? kept(`${NUMBERS.length} numbers arrived with the value that was sent`)
      : lost("rounded", changed.join("; "));
  },
);

const loneSurrogate = sentUp(
  "lone-surrogate",
  "A lone surrogate (half an emoji from cut text) arrives",
  "Tool output that was cut inside a character contains a lone surrogate. A gateway that cannot encode it rejects this turn and every later turn.",
  (marker) => conversation(marker).replace(marker, `${marker} \\ud83d`),
);

const chunked: Check = {
  id: "body.chunked",
  title: "A body sent in chunks arrives complete",
  protects: "HTTP clients may send a body without a Content-Length, in chunks.",
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
      ? kept(`${chunks.length} chunks arrived as the same JSON`)
      : lost("changed", differences.join("; "));
  },
};

const compressed: Check = {
  id: "body.compressed",
  title: "A gzip-compressed request arrives as sent",
  protects:
    "Claude Code can compress requests (CLAUDE_CODE_GZIP_REQUEST_BODIES), and the API accepts them. A gateway that parses bodies must decompress them.",
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
      return kept(`${bytes.length} bytes of gzip arrived as sent`);
    return encoding === undefined && jsonDifferences(sent, requestBody.toString()).length === 0
      ? lost("decompressed", "the same JSON, but no longer compressed")
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
    "The body of a request arrives byte for byte",
    "A gateway that parses and rewrites a body can change it. Equal bytes prove that nothing changed.",
    ODD_SPELLING,
    judgeBytes,
  ),
  sentUp(
    "json",
    "The body of a request arrives as the same JSON, with keys in the same order",
    "The key order of a tool's schema is part of the cached prompt and of what the model reads.",
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
    "Code and prose contain all of Unicode, escaped or not.",
    (marker) =>
      conversation(marker, {
        text: 'é 漢字 😀 \u2028 \u0000 \ufeff \\ / " \u{10ffff}',
        ключ: "значение",
      }),
  ),
  loneSurrogate,
  sentUp(
    "waf",
    "Text that looks like an attack arrives",
    "Source code contains scripts, SQL and paths. A firewall that inspects bodies would block real sessions.",
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
    protects: "Without it Claude Code counts tokens by calling the model, which costs money.",
    needs: [],
    run: countTokens,
  },
  answeredWith(
    "answer-bytes",
    "The body of an answer arrives byte for byte",
    "It contains usage, tool calls and signatures. A gateway that parses and rewrites it can change them.",
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
    "A wrong Content-Encoding makes the answer unreadable.",
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
    "An uncompressed stream is several times as large, which matters on slow or metered links.",
    {
      kind: "frames",
      frames: Array.from({ length: 20 }, (_, index) => ({ text: `: ${index}\n\n` })),
    },
  ),
];
