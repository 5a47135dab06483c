import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { AnthropicControl } from "../../../lab/anthropic/client.ts";
import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";

test("a call leaves it to the client to close the connection, and the client closes it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "claude-gateway-control-"));
  const socket = join(dir, "control.sock");
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.connection);
    request.resume().on("end", () => response.end('{"ids":[1]}'));
  });
  const closed: Promise<unknown>[] = [];
  // A client that closes sends its end first.
  server.on("connection", (connection) => closed.push(once(connection, "end")));
  server.listen(socket);
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    await rm(dir, { recursive: true });
  });
  const control = new AnthropicControl(socket);
  const script: ScriptInput = {
    action: { kind: "frames", frames: [{ text: "x".repeat(1_000_000) }] },
  };
  expect(await control.push(script)).toEqual([1]);
  expect(await control.push(script)).toEqual([1]);
  await Promise.all(closed);
  expect(seen).toEqual(["keep-alive", "keep-alive"]);
  expect(closed).toHaveLength(2);
});
