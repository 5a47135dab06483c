import { request as httpRequest, type IncomingMessage } from "node:http";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";

import { decompress } from "fzstd";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { decodedSoFar } from "../../../verify/conformance/client/content-encoding.ts";
import { negotiated } from "../../../lab/anthropic/contentEncoding.ts";
import { call, errorOf, HEADERS, SMALL, startFake } from "./harness.ts";

let fake: Awaited<ReturnType<typeof startFake>>;
beforeAll(async () => {
  fake = await startFake();
});
afterEach(() => fake.control.reset());
afterAll(() => fake.stop());

const DECODERS = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: (bytes: Buffer) => Buffer.from(decompress(bytes)),
};
const encodings = Object.keys(DECODERS) as (keyof typeof DECODERS)[];

function ask(encoding: string, body: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { ...HEADERS, "accept-encoding": encoding };
    const options = { host: "127.0.0.1", port: fake.port, method: "POST", path: "/v1/messages" };
    httpRequest({ ...options, headers, agent: false }, resolve)
      .on("error", reject)
      .end(JSON.stringify(body));
  });
}

async function whole(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test.each([
  [undefined, undefined],
  ["", undefined],
  ["gzip, deflate, br, zstd", "gzip"],
  ["zstd, br", "br"],
  ["zstd", "zstd"],
  ["gzip;q=0.5, br;q=0.9", "br"],
  ["gzip;q=0, br;q=0", undefined],
  ["*", "gzip"],
  ["identity, deflate", undefined],
])("for %j the server selects %s", (offered, taken) => {
  expect(negotiated(offered)).toBe(taken);
});

describe.each(encodings)("a client that offers %s", (encoding) => {
  test("gets JSON in that encoding, chunked", async () => {
    const response = await ask(encoding, SMALL);
    const body = DECODERS[encoding](await whole(response));
    expect(response.headers["content-encoding"]).toBe(encoding);
    expect(response.headers["transfer-encoding"]).toBe("chunked");
    expect(response.headers["content-length"]).toBeUndefined();
    expect(JSON.parse(body.toString())).toMatchObject({ type: "message" });
  });

  test("gets errors in that encoding", async () => {
    const response = await ask(encoding, { ...SMALL, model: "gpt-1" });
    expect([response.statusCode, response.headers["content-encoding"]]).toEqual([404, encoding]);
    const body = DECODERS[encoding](await whole(response)).toString();
    expect(JSON.parse(body)).toMatchObject({ error: { message: "model: gpt-1" } });
  });

  test("can read each event before the next one is sent", async () => {
    const pieces = ["event: a\ndata: 1\n\n", ": half of", " a line\n", "x".repeat(200_000)];
    await fake.control.push({
      action: { kind: "frames", frames: pieces.map((text, at) => ({ text, gate: `${at}` })) },
    });
    const response = await ask(encoding, SMALL);
    expect(response.headers["content-encoding"]).toBe(encoding);
    const stream = response[Symbol.asyncIterator]();
    let bytes = Buffer.alloc(0);
    for (const [at] of pieces.entries()) {
      await fake.control.openGate(`${at}`);
      const sent = pieces.slice(0, at + 1).join("");
      while (decodedSoFar(encoding, bytes)?.toString() !== sent) {
        const { value, done } = (await stream.next()) as IteratorResult<Buffer, undefined>;
        expect(done).not.toBe(true);
        bytes = Buffer.concat([bytes, value as Buffer]);
      }
    }
    for await (const rest of response) bytes = Buffer.concat([bytes, rest as Buffer]);
    expect(DECODERS[encoding](bytes).toString()).toBe(pieces.join(""));
  });

  test("gets a body unchanged if the script's headers name an encoding", async () => {
    await fake.control.push({
      action: { kind: "frames", headers: [["Content-Encoding", "x"]], frames: [{ text: "as is" }] },
    });
    expect((await whole(await ask(encoding, SMALL))).toString()).toBe("as is");
  });
});

test("a record keeps the bytes as they were sent", async () => {
  const sent = await whole(await ask("gzip", SMALL));
  const record = await fake.control.waitFor(({ state }) => state === "finished");
  expect((await fake.control.responseBody(record.id)).equals(sent)).toBe(true);
  expect(record.response?.headers).toContainEqual(["Content-Encoding", "gzip"]);
});

describe("a request's body", () => {
  const compressed = (body: Buffer, encoding: string) =>
    call(fake.port, { headers: { ...HEADERS, "content-encoding": encoding }, body });

  test("is accepted in gzip, matched by scripts, and recorded as it was received", async () => {
    const bytes = gzipSync(JSON.stringify({ ...SMALL, metadata: { user_id: "in-gzip" } }));
    await fake.control.push({
      match: { bodyContains: "in-gzip" },
      action: { kind: "message", content: [{ type: "text", text: "matched" }] },
    });
    const answer = await compressed(bytes, "gzip");
    expect([answer.status, answer.body.includes("matched")]).toEqual([200, true]);
    const [record] = await fake.control.records();
    expect((await fake.control.requestBody(record?.id ?? 0)).equals(bytes)).toBe(true);
  });

  test("is rejected if it is not valid gzip or has another encoding", async () => {
    const text = Buffer.from(JSON.stringify(SMALL));
    const broken = await compressed(text, "gzip");
    expect([broken.status, errorOf(broken).type]).toEqual([400, "invalid_request_error"]);
    const other = await compressed(brotliCompressSync(text), "br");
    expect([other.status, errorOf(other).type]).toEqual([400, "invalid_request_error"]);
  });

  test("may have at most 32 MB after decompression", async () => {
    const answer = await compressed(gzipSync(Buffer.alloc(32 * 1024 * 1024 + 1, " ")), "gzip");
    expect([answer.status, errorOf(answer).type]).toEqual([413, "request_too_large"]);
  });
});
