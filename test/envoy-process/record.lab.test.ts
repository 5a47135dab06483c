import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Adder } from "../../components/usage/record/adder.mjs";
import { send } from "./client.ts";
import { certificateFor, rendered, terminate, TOKEN_A, TOKEN_B } from "./gateways.ts";
import { Envoy, eventually } from "./envoy.ts";
import { Upstream } from "./upstream.ts";

const ROTATION = fileURLToPath(
  new URL("../../components/gateway/drain/rotate.mjs", import.meta.url),
);
const DRAIN = fileURLToPath(new URL("../../components/gateway/drain/drain.mjs", import.meta.url));

let upstream: Upstream;
let envoy: Envoy;
let helper: ChildProcess | undefined;

beforeEach(async () => {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  const hosts = { "api.anthropic.com:443": upstream.port };
  envoy = await Envoy.start({ ...rendered({ ...terminate, record: true }), hosts });
});

afterEach(async () => {
  helper?.kill("SIGKILL");
  helper = undefined;
  await envoy.stop();
  await upstream.stop();
});

/** The drain helper with the rotation, as they run in the pod. */
function rotate(env: Readonly<Record<string, string>>): void {
  helper = spawn(process.execPath, ["--import", ROTATION, DRAIN], {
    env: {
      ADMIN_PORT: String(envoy.ports.admin),
      DRAIN_PORT: "0",
      DRAIN_SECONDS: "900",
      RECORD_FILE: join(envoy.recordDir, "requests.jsonl"),
      ...env,
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
}

function ask(token: string) {
  return send(envoy.ports.agents, { headers: [["x-api-key", token]] });
}

/** Lines of every file of the pod, by name of the file. */
function lines(): Record<string, Record<string, unknown>[]> {
  const files = fs.readdirSync(envoy.recordDir).filter((name) => name.endsWith(".jsonl"));
  return Object.fromEntries(
    files.map((name) => [
      name,
      fs
        .readFileSync(join(envoy.recordDir, name), "utf8")
        .split("\n")
        .filter((text) => text !== "")
        .map((text) => JSON.parse(text) as Record<string, unknown>),
    ]),
  );
}

test("each request of an agent is a line, and no other request is", async () => {
  const file = join(envoy.recordDir, "requests.jsonl");
  expect((await ask(TOKEN_A)).status).toBe(200);
  expect((await ask("nobody-knows-this-token")).status).toBe(401);
  expect((await ask(TOKEN_B)).status).toBe(200);
  const { "requests.jsonl": written = [] } = await eventually(
    () => Promise.resolve(lines()),
    (found) => found["requests.jsonl"]?.length === 2,
  );
  expect(written.map(({ agent }) => agent)).toEqual(["dev-e", "dev-f"]);
  expect(Object.keys(written[0] ?? {}).sort()).toEqual([
    ...["agent", "cache_read_tokens", "cache_write_1h_tokens", "cache_write_5m_tokens"],
    ...["cost_usd", "details", "duration_ms", "estimated", "flags", "input_tokens"],
    ...["metering", "model", "output_tokens", "session_id", "status", "time"],
  ]);
  expect(written[0]).toMatchObject({ status: 200, flags: "-", details: "via_upstream" });
  expect(written[0]?.duration_ms).toBeTypeOf("number");
  expect(Number.isFinite(Date.parse(String(written[0]?.time)))).toBe(true);
  expect(fs.statSync(file).mode & 0o777).toBe(0o644);
  // Standard output has the other one too.
  expect((await envoy.logged(({ status }) => status === 401)).agent).toBeNull();
});

test("a rotation under load loses no line and doubles none, while the lines are added", async () => {
  rotate({ ROTATE_BYTES: "2000", ROTATE_POLL_SECONDS: "0.05" });
  const adder = new Adder({
    root: join(envoy.recordDir, ".."),
    fs,
    uptime: () => performance.now(),
  });
  const seen = new Set<string>();
  const stop = new AbortController();
  const adding = (async () => {
    while (!stop.signal.aborted) {
      for (const name of fs.readdirSync(envoy.recordDir)) seen.add(name);
      adder.add();
      await sleep(30);
    }
  })();
  const each = 250;
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      for (let count = 0; count < each; count++) await ask(index % 2 === 0 ? TOKEN_A : TOKEN_B);
    }),
  );
  const total = () => adder.report().days.reduce((sum, { requests }) => sum + requests, 0);
  await eventually(
    () => Promise.resolve(total()),
    (count) => count >= 8 * each,
  );
  await sleep(1500);
  stop.abort();
  await adding;
  expect(adder.report().problems).toEqual({ malformed: 0, shrunk: 0 });
  const of = (name: string) =>
    adder
      .report()
      .days.filter(({ agent }) => agent === name)
      .reduce((sum, { requests }) => sum + requests, 0);
  expect([of("dev-e"), of("dev-f"), total()]).toEqual([4 * each, 4 * each, 8 * each]);
  const renamed = [...seen].filter((name) => /^requests-\d+\.jsonl$/.test(name));
  expect(renamed.length).toBeGreaterThan(2);
  expect(envoy.accessLog).toHaveLength(8 * each);
});

test("a client cannot make a line long", async () => {
  const long = "\u00ff".repeat(8_000);
  await send(envoy.ports.agents, {
    path: `/${"p".repeat(8_000)}`,
    headers: [
      ["x-api-key", TOKEN_A],
      ["x-claude-code-session-id", long],
    ],
  });
  const written = await eventually(
    () => Promise.resolve(Object.values(lines()).flat()),
    (found) => found.length === 1,
  );
  expect(JSON.stringify(written).length).toBeLessThan(1_500);
  const logged = await envoy.logged(() => true);
  expect(JSON.stringify(logged).length).toBeLessThan(2_000);
});
