import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type http from "node:http";
import { get, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "./free-port.ts";
import { type LiteLlmProcess, startLiteLlm } from "./litellm-process.ts";
import { lineProgress } from "../lab/progress.ts";
import { renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { open, read, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import {
  certificateFor,
  INTERNAL_TOKEN,
  PLACEHOLDER,
  REAL_KEY,
  rendered,
  secrets,
  shim,
  TOKEN_A,
} from "./gateways.ts";
import { UPSTREAM_ERROR, UPSTREAM_ODD_ERRORS } from "./litellm-bodies.ts";
import { liteLlmPaths } from "../../components/gateway/litellm/config.ts";
import { type Held, SEARCH, type SearchInput, wantedFor } from "../verify/egress/litellm-search.ts";
import { Upstream } from "./upstream.ts";

const HEADERS = [
  ["x-api-key", TOKEN_A],
  ["content-type", "application/json"],
  ["anthropic-version", "2023-06-01"],
] as const;

describe("path shim with the real LiteLLM", () => {
  let anthropic: Upstream;
  let envoy: Envoy;
  let litellm: LiteLlmProcess;

  beforeAll(async () => {
    const args = { ...shim, routes: ["models"] } as const;
    const port = await freePort();
    anthropic = await Upstream.start(await certificateFor("api.anthropic.com"));
    envoy = await Envoy.start({
      ...rendered(args),
      hosts: { [`${shim.litellmHost}:4000`]: port, "api.anthropic.com:443": anthropic.port },
    });
    litellm = await startLiteLlm(
      {
        port,
        token: INTERNAL_TOKEN,
        apiKey: PLACEHOLDER,
        upstreamBaseUrl: `http://127.0.0.1:${envoy.ports.egress}`,
        routes: args.routes,
      },
      lineProgress(),
    );
  });

  afterAll(async () => {
    await envoy.stop();
    await litellm.stop();
    await anthropic.stop();
  });

  beforeEach(() => {
    anthropic.received.length = 0;
    anthropic.handle = undefined;
  });

  const message = (stream: boolean) =>
    JSON.stringify({ model: "claude", max_tokens: 1, stream, messages: [] });

  test("LiteLLM tells the settings that it runs with, only within its own pod", async () => {
    const ask = async (localAddress: string) => {
      const path = "/gateway/configuration";
      const request = get({ host: "127.0.0.1", port: litellm.port, path, localAddress });
      const [answer] = (await once(request, "response")) as [IncomingMessage];
      return [answer.statusCode, JSON.parse((await buffer(answer)).toString()) as unknown] as const;
    };
    expect(await ask("127.0.0.1")).toEqual([
      200,
      { pass_through_request_timeout: 900, num_retries: 0 },
    ]);
    const [status, refused] = await ask("127.0.0.2");
    expect([status, refused]).toMatchObject([404, { error: { type: "not_found_error" } }]);
  });

  test("the upstream gets the real key, which LiteLLM does not have", async () => {
    const response = await send(envoy.ports.agents, { headers: HEADERS, body: message(false) });
    expect([response.status, response.body.toString()]).toEqual([200, '{"ok": true}']);
    const headers = new Map(
      anthropic.takeOne().headers.map(([name, value]) => [name.toLowerCase(), value]),
    );
    expect([headers.get("x-api-key"), headers.has("authorization")]).toEqual([REAL_KEY, false]);
  });

  test("a new key reaches the upstream while LiteLLM runs on, and an open stream is not cut", async () => {
    let end: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => {
      anthropic.handle = (request, response) => {
        request.resume().on("end", () => {
          end = () => response.end("data: end\n\n");
          response.writeHead(200, { "content-type": "text/event-stream" });
          response.write("data: begin\n\n");
          resolve();
        });
      };
    });
    const body = message(true);
    const length = ["Content-Length", String(body.length)] as const;
    const request = open(envoy.ports.agents, {
      headers: [["Host", "gateway"], ...HEADERS, length],
    });
    const stream = responseOf(request);
    request.end(body);
    await arrived;
    anthropic.handle = undefined;

    const second = "sk-ant-api03-second";
    await envoy.updateSecrets(
      renderEnvoySecrets({ ...shim, routes: ["models"] }, { ...secrets, credential: second }),
    );
    await eventually(
      async () => {
        const { status } = await send(envoy.ports.agents, { headers: HEADERS, body });
        expect(status).toBe(200);
        return new Map(
          anthropic.takeOne().headers.map(([name, value]) => [name.toLowerCase(), value]),
        ).get("x-api-key");
      },
      (key) => key === second,
    );
    end?.();
    expect((await read(await stream)).body.toString()).toBe("data: begin\n\ndata: end\n\n");
    expect(await envoy.stat("listener_manager.listener_modified")).toBe(0);
    await envoy.updateSecrets(renderEnvoySecrets({ ...shim, routes: ["models"] }, secrets));
  });

  test("LiteLLM's process has its placeholder, and the real key nowhere", () => {
    const root = `/proc/${litellm.pid}/root`;
    const input: SearchInput = {
      wanted: [PLACEHOLDER, REAL_KEY].map(wantedFor),
      pids: [litellm.pid],
      places: Object.values(liteLlmPaths).map((path) => root + path),
    };
    const { status, stdout, stderr } = spawnSync("python3", ["-c", SEARCH], {
      input: JSON.stringify(input),
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    const { environment, files, memory } = JSON.parse(stdout) as Held;
    expect([environment.includes(PLACEHOLDER), environment.includes(REAL_KEY)]).toEqual([
      true,
      false,
    ]);
    expect([files.includes(INTERNAL_TOKEN), files.includes(REAL_KEY)]).toEqual([true, false]);
    expect(memory).toMatchObject({ found: [true, false], others: [], errors: [] });
    expect(memory.bytes).toBeGreaterThan(100_000_000);
  });

  test("the upstream answers the list of models", async () => {
    const response = await send(envoy.ports.agents, {
      method: "GET",
      path: "/anthropic/v1/models?limit=1000",
      headers: HEADERS,
    });
    expect([response.status, response.body.toString()]).toEqual([200, '{"ok": true}']);
    expect(anthropic.takeOne()).toMatchObject({ method: "GET", url: "/v1/models?limit=1000" });
  });

  test.each([{ status: 529, body: UPSTREAM_ERROR }, ...UPSTREAM_ODD_ERRORS])(
    "the upstream's $status $body arrives unchanged",
    async ({ status, body }) => {
      anthropic.handle = (request, response) => {
        request.resume().on("end", () => {
          response.writeHead(status, {
            "content-type": "application/json",
            "cf-ray": "ray",
            "content-length": Buffer.byteLength(body),
          });
          response.end(body);
        });
      };
      for (const stream of [false, true]) {
        const sent = { headers: HEADERS, body: message(stream) };
        const response = await send(envoy.ports.agents, sent);
        expect([response.status, response.body.toString()]).toEqual([status, body]);
        expect(response.headers).not.toHaveProperty("x-should-retry");
      }
    },
  );

  test("an upstream that hangs up within its answer is an error that Claude Code waits out", async () => {
    anthropic.handle = (request, response) => {
      request.resume().on("end", () => {
        response.writeHead(200, { "content-type": "application/json", "content-length": 100 });
        response.write("{", () => response.destroy());
      });
    };
    const sent = { headers: HEADERS, body: message(false) };
    const response = await send(envoy.ports.agents, sent);
    expect([response.status, response.headers["x-should-retry"]]).toEqual([502, "true"]);
    expect(JSON.parse(response.body.toString())).toMatchObject({
      type: "error",
      error: {
        type: "api_error",
        message: expect.stringMatching(/^LiteLLM: Response payload is not completed/) as string,
      },
    });
  });

  test("what LiteLLM makes of a request that it cannot read has Anthropic's shape", async () => {
    for (const [body, status, type] of [
      ["[1]", 500, "api_error"],
      ["{", 400, "invalid_request_error"],
    ] as const) {
      const response = await send(envoy.ports.agents, { headers: HEADERS, body });
      expect([response.status, response.headers["content-type"]]).toEqual([
        status,
        "application/json",
      ]);
      expect(JSON.parse(response.body.toString())).toMatchObject({
        type: "error",
        error: { type, message: expect.any(String) as string },
      });
    }
    expect(anthropic.received).toEqual([]);
  });

  test.each([true, false])(
    "a client that leaves before its answer ends the upstream's work (stream: %s)",
    async (stream) => {
      let ended = 0;
      const arrived = new Promise<void>((resolve) => {
        anthropic.handle = (request: http.IncomingMessage, response) => {
          response.on("close", () => ended++);
          request.resume().on("end", resolve);
        };
      });
      const body = message(stream);
      const length = ["Content-Length", String(body.length)] as const;
      const request = open(envoy.ports.agents, {
        headers: [["Host", "gateway"], ...HEADERS, length],
      });
      request.on("error", () => undefined);
      request.end(body);
      await arrived;
      expect(ended).toBe(0);
      request.destroy();
      await eventually(
        () => envoy.stat("http.egress.downstream_rq_active"),
        (active) => active === 0,
      );
      await eventually(
        () => Promise.resolve(ended),
        (count) => count === 1,
      );
      // The next request is served as ever.
      anthropic.handle = undefined;
      const next = await send(envoy.ports.agents, { headers: HEADERS, body });
      expect(next.status).toBe(200);
    },
  );
});
