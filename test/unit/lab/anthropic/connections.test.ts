import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";

import { afterEach, expect, test } from "vitest";

import { HEADERS, SMALL, startFake } from "./harness.ts";

type Fake = Awaited<ReturnType<typeof startFake>>;
const started: Fake[] = [];
afterEach(() => Promise.all(started.splice(0).map((fake) => fake.stop())));

async function start(options: Parameters<typeof startFake>[0] = {}): Promise<Fake> {
  const fake = await startFake(options);
  started.push(fake);
  return fake;
}

/** A connection after one answer. `answer` is the head of that answer. */
async function used(fake: Fake, connection = ""): Promise<{ socket: Socket; answer: string }> {
  const socket = connect(fake.port, "127.0.0.1");
  let answer = "";
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Buffer) => (answer += bytes.toString()));
  socket.write(`HEAD /api/hello HTTP/1.1\r\nHost: a\r\n${connection}\r\n`);
  while (!answer.includes("\r\n\r\n")) await once(socket, "data");
  return { socket, answer };
}

test("an idle connection is closed after its timeout, which no header announces", async () => {
  const fake = await start({ idleSeconds: 0.2 });
  const { socket, answer } = await used(fake);
  expect(answer).toMatch(/^Connection: keep-alive\r$/m);
  expect(answer).not.toMatch(/^Keep-Alive:/im);
  await once(socket, "end");
});

test("a connection is closed after a request with Connection: close", async () => {
  const { socket, answer } = await used(await start(), "Connection: close\r\n");
  expect(answer).toMatch(/^Connection: close\r$/m);
  await once(socket, "end");
});

test("a reset command resets idle connections and not those in use", async () => {
  const fake = await start();
  const { socket } = await used(fake);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const where = { host: "127.0.0.1", port: fake.port, agent };
  const before = request({ ...where, path: "/api/hello" }).end();
  const [answered] = (await once(before, "response")) as [NodeJS.ReadableStream];
  await once(answered.resume(), "end");
  await fake.control.push({
    action: { kind: "frames", frames: [{ text: "first" }, { text: "last", gate: "go" }] },
  });
  const busy = request({ ...where, method: "POST", path: "/v1/messages", headers: HEADERS });
  busy.end(JSON.stringify(SMALL));
  const [response] = (await once(busy, "response")) as [NodeJS.ReadableStream];
  const reset = once(socket, "error");
  expect(await fake.control.resetIdleConnections()).toBe(1);
  expect(await reset).toMatchObject([{ code: "ECONNRESET" }]);
  await fake.control.openGate("go");
  let body = "";
  for await (const piece of response) body += String(piece);
  expect(body).toBe("firstlast");
  agent.destroy();
});
