import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { open, read, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { PLACEHOLDER, rendered, shim, TOKEN_A } from "./gateways.ts";
import { startTerminating } from "./terminating.ts";
import type { Upstream } from "./upstream.ts";

const SCRIPT = fileURLToPath(new URL("../../components/gateway/drain/drain.mjs", import.meta.url));
const TOKEN = [["x-api-key", TOKEN_A] as const];

let upstream: Upstream;
let envoy: Envoy;
let helper: Helper;

beforeEach(async () => {
  ({ upstream, envoy } = await startTerminating());
});

afterEach(async () => {
  await helper.stop();
  await envoy.stop();
  await upstream.stop();
});

/** The drain helper as it runs in the pod, in its own process. */
class Helper {
  readonly log: Record<string, unknown>[] = [];
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) =>
        this.log.push(JSON.parse(line) as Record<string, unknown>),
      );
    }
  }

  static async start(drainSeconds: number): Promise<Helper> {
    const free = net.createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, "close");
    const child = spawn(process.execPath, [SCRIPT], {
      env: {
        ADMIN_PORT: String(envoy.ports.admin),
        DRAIN_PORT: String(port),
        DRAIN_SECONDS: String(drainSeconds),
        QUIET_SECONDS: "0.5",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const helper = new Helper(child, port);
    await eventually(
      () => helper.get("/"),
      (status) => status === 404,
    );
    return helper;
  }

  async get(path: string): Promise<number> {
    return (await fetch(`http://127.0.0.1:${this.#port}${path}`)).status;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  }
}

/** A stream that stays open until `finish`. */
async function openStream() {
  let finish: (() => void) | undefined;
  const begun = new Promise<void>((resolve) => {
    upstream.handle = (_request, response) => {
      response.writeHead(200);
      response.write("begin, ");
      finish = () => response.end("the end");
      resolve();
    };
  });
  const request = open(envoy.ports.agents, { headers: [["Host", "gateway"], ...TOKEN] });
  const received = responseOf(request);
  request.end();
  await begun;
  upstream.handle = undefined;
  return { stream: await received, finish: () => finish?.() };
}

test("a drain waits for the open stream, answers new requests, and closes their connections", async () => {
  helper = await Helper.start(600);
  const { stream, finish } = await openStream();
  const asked = Date.now();
  const drained = helper.get("/drain");
  await eventually(
    () => send(envoy.ports.health, { method: "GET", path: "/ready" }),
    ({ status }) => status === 503,
  );

  const agent = new http.Agent({ keepAlive: true });
  const response = responseOf(
    http
      .request({
        port: envoy.ports.agents,
        agent,
        method: "POST",
        path: "/anthropic/v1/messages",
        headers: { "x-api-key": TOKEN_A },
      })
      .end(),
  );
  const late = await read(await response);
  expect([late.status, late.headers.connection]).toEqual([200, "close"]);
  agent.destroy();
  const waiting = await eventually(
    () => Promise.resolve(helper.log.at(-1)),
    (line) => (line?.open as { agents?: number } | undefined)?.agents === 1,
  );
  expect(waiting).toMatchObject({ level: "info", message: "waiting", open: { agents: 1 } });
  const until = Date.parse(String(waiting?.until));
  expect(until).toBeGreaterThanOrEqual(asked + 600_000);
  expect(until).toBeLessThanOrEqual(Date.now() + 600_000);

  finish();
  expect((await read(stream)).body.toString()).toBe("begin, the end");
  expect(await drained).toBe(200);
  expect(helper.log.at(-1)).toMatchObject({
    level: "info",
    message: "drained",
    cut: { agents: 0 },
  });
});

test("a drain waits for a LiteLLM request that leaves through this Envoy, even if the agent's request came in through another", async () => {
  await envoy.stop();
  envoy = await Envoy.start({
    ...rendered(shim),
    hosts: { "api.anthropic.com:443": upstream.port },
  });
  helper = await Helper.start(600);
  let finish = (): void => undefined;
  const arrived = new Promise<void>((resolve) => {
    upstream.handle = (_request, response) => {
      finish = () => response.writeHead(200).end("the end");
      resolve();
    };
  });
  const request = open(envoy.ports.egress, {
    path: "/v1/messages",
    headers: [
      ["Host", "egress"],
      ["x-api-key", PLACEHOLDER],
    ],
  });
  const received = responseOf(request);
  request.end();
  await arrived;

  const drained = helper.get("/drain");
  const waiting = await eventually(
    () => Promise.resolve(helper.log.at(-1)),
    (line) => line?.message === "waiting",
  );
  expect(waiting).toMatchObject({ open: { agents: 0, egress: 1 } });
  finish();
  expect((await read(await received)).body.toString()).toBe("the end");
  expect(await drained).toBe(200);
  expect(helper.log.at(-1)).toMatchObject({ message: "drained", cut: { agents: 0, egress: 0 } });
});

test("when the time is up, the log has the number of requests that are still open", async () => {
  helper = await Helper.start(1);
  const first = await openStream();
  const second = await openStream();
  expect(await helper.get("/drain")).toBe(200);
  expect(helper.log.at(-1)).toMatchObject({ level: "warning", cut: { agents: 2 } });
  for (const { stream, finish } of [first, second]) {
    finish();
    await read(stream);
  }
});

test("the helper answers 404 on other paths, and reports if Envoy does not answer", async () => {
  helper = await Helper.start(1);
  expect(await helper.get("/")).toBe(404);
  await envoy.stop();
  expect(await helper.get("/drain")).toBe(500);
  expect(helper.log).toMatchObject([{ level: "error" }]);
});
