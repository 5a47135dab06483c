import { execFile } from "node:child_process";
import https from "node:https";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { labCa } from "../lab/parts/ca.ts";
import { createAuthority, issueCertificate } from "../lab/parts/certificates.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, secrets, TOKEN_A, TOKEN_B } from "./gateways.ts";
import {
  askHost,
  HOST_TOKEN,
  inspecting,
  PRIVATE,
  REGISTRY,
  type HostRequest,
  trusted,
} from "./inspecting.ts";
import { Upstream } from "./upstream.ts";

let host: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  host = await Upstream.start(await certificateFor(REGISTRY, PRIVATE));
  envoy = await Envoy.start({
    ...rendered(inspecting, { ...secrets, hostCredentials: { packages: HOST_TOKEN } }),
    leaf: await certificateFor(REGISTRY, PRIVATE),
    hosts: { [`${REGISTRY}:443`]: host.port, [`${PRIVATE}:443`]: host.port },
  });
});

afterAll(async () => {
  await envoy.stop();
  await host.stop();
});

beforeEach(() => {
  host.received.length = 0;
  host.handle = undefined;
  envoy.accessLog.length = 0;
});

const ask = (name: string, request?: HostRequest) => askHost(envoy.ports.sni, name, request);

test("Envoy accepts all of it without a warning", async () => {
  expect(await envoy.stat("listener_manager.lds.update_rejected")).toBe(0);
  expect(await envoy.stat("cluster_manager.cds.update_rejected")).toBe(0);
  expect(envoy.stderr).not.toMatch(/"level":"(warning|error|critical)"/);
});

describe("paths", () => {
  test.each([
    "/simple",
    "/simple?q=1&x=%2e%2e%2f//",
    "/@scope%2fname",
    "/@scope%2Fname",
    "/allowed/",
    "/allowed/a%2fb/c",
    "/allowed/.hidden",
    "/allowed/...",
    "/allowed/a..b/x.tgz",
    "/allowed/%C3%A9;v=1",
  ])("%s is sent on as it is", async (path) => {
    expect((await ask(REGISTRY, { path })).status).toBe(200);
    expect(host.takeOne()).toMatchObject({ method: "GET", url: path });
    expect(
      await envoy.logged(
        ({ path: logged, host }) => host === REGISTRY && logged === path.replace(/\?.*/, ""),
      ),
    ).toMatchObject({
      agent: null,
      host: REGISTRY,
      method: "GET",
      path: path.replace(/\?.*/, ""),
      action: "request",
      refused: null,
      status: 200,
      upstream: REGISTRY,
    });
  });

  test.each([
    "/",
    "/Simple",
    "/simple/",
    "/simpler",
    "/simple;x",
    "/%73imple",
    "/@scope/name",
    "/@scope%2fname/x",
    "/@Scope%2fname",
    "/allowed",
    "/Allowed/x",
    "/%61llowed/x",
    "/allowed%2fx",
    "/query",
    "/query?service=axb",
    "/query?service=a.b&x",
    "/query?x?service=a.b",
    "/query?",
  ])("%s is refused, because no rule allows it", async (path) => {
    const { status, headers, body } = await ask(REGISTRY, { path });
    expect(status).toBe(403);
    expect(headers["content-type"]).toBe("application/json");
    const message = `gateway: ${REGISTRY} is open for reading /allowed/ and /@scope%2fname: GET ${path} is not allowed`;
    expect(JSON.parse(body.toString())).toEqual({ error: message, message });
    expect(host.received).toEqual([]);
    expect(
      await envoy.logged(
        ({ path: logged, host }) => host === REGISTRY && logged === path.replace(/\?.*/, ""),
      ),
    ).toMatchObject({
      host: REGISTRY,
      action: null,
      refused: "rule",
      status: 403,
      upstream: null,
    });
  });

  test("a query can be a part of a rule", async () => {
    expect((await ask(REGISTRY, { path: "/query?service=a.b" })).status).toBe(200);
  });

  test.each([
    "/allowed/..",
    "/allowed/../x",
    "/allowed/./x",
    "/allowed/.",
    "//allowed/x",
    "/allowed//x",
    "/allowed/x//",
    "/allowed/%2e%2e/x",
    "/allowed/%2E%2E/x",
    "/allowed/.%2e/x",
    "/allowed/x%2e",
    "/allowed/..%2fx",
    "/allowed/..%2Fx",
    "/allowed/x%2f../y",
    "/allowed/x%2f..",
    "/allowed/%2fx",
    "/allowed/x%2f%2fy",
    "/allowed/x%2f",
    "/allowed/..;/x",
    "/allowed/..;a=b/x",
    "/allowed/..%3b/x",
    "/allowed/.;/x",
    "/allowed/;/x",
    "/allowed/%252e%252e/x",
    "/allowed/x%25",
    "/allowed/..\\x",
    "/allowed/..%5cx",
    "/allowed/..%5Cx",
    "/allowed/%00",
    "/allowed/%0a",
    "/allowed/x%7f",
    "/allowed/%c0%ae%c0%ae/x",
    "/allowed/x%2",
    "/allowed/x%zz",
  ])("%s is refused, because servers could read it in two ways", async (path) => {
    const { status, body } = await ask(REGISTRY, { path });
    expect(status).toBe(400);
    expect(body.toString()).toContain("a path that can be read in two ways");
    expect(host.received).toEqual([]);
  });

  test("a byte that is no UTF-8 is refused, in the path and in the query", async () => {
    for (const path of ["/allowed/\u00ff", "/allowed/x?\u00ff"]) {
      expect((await ask(REGISTRY, { path })).status).toBe(400);
    }
    expect(host.received).toEqual([]);
  });
});

test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])(
  "%s is refused",
  async (method) => {
    expect((await ask(REGISTRY, { method, path: "/simple" })).status).toBe(403);
    expect(host.received).toEqual([]);
  },
);

test("an upgrade is refused with a message", async () => {
  const { status, body } = await ask(REGISTRY, {
    path: "/allowed/socket",
    headers: { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
  });
  expect(status).toBe(403);
  expect(body.toString()).toContain(`WebSocket and other upgrades to ${REGISTRY} are not relayed`);
});

test.each([PRIVATE, "api.anthropic.com", `${REGISTRY}:8443`, `x.${REGISTRY}`, `${REGISTRY}.`])(
  "a request for %s on a connection for another host is refused",
  async (authority) => {
    const { status, body } = await ask(REGISTRY, { path: "/simple", authority });
    expect(status).toBe(421);
    expect(body.toString()).toContain("another host than the server name of its TLS connection");
    const line = await envoy.logged(({ status }) => status === 421);
    expect(line).toMatchObject({ host: REGISTRY, refused: "host", upstream: null });
    expect(host.received).toEqual([]);
  },
);

/** What the real curl prints: the answer's body, the status and the version of HTTP. */
async function curl(...args: readonly string[]): Promise<string> {
  const place = ["--connect-to", `${REGISTRY}:443:127.0.0.1:${envoy.ports.sni}`];
  const run = promisify(execFile)("curl", [
    ...["-sS", "--cacert", (await labCa()).certFile, "-w", " %{http_code} HTTP/%{http_version}"],
    ...[...place, ...args],
  ]);
  return run.then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { stderr: string }).stderr,
  );
}

test("curl, which prefers HTTP/2, shows the refusal of a large upload that it has only begun to send", async () => {
  const dir = await mkdtemp(join(tmpdir(), "upload-"));
  try {
    const file = join(dir, "body");
    await writeFile(file, Buffer.alloc(8 * 1024 * 1024));
    const said = await curl("--http2", "-T", file, `https://${REGISTRY}/other`);
    expect(said).toContain("PUT /other is not allowed");
    expect(said).toMatch(/ 403 HTTP\/1\.1$/);
    expect(host.received).toEqual([]);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("a client that speaks only HTTP/2 learns in the TLS handshake that it is not offered", async () => {
  const target = { host: "127.0.0.1", port: envoy.ports.sni, servername: REGISTRY, ca: trusted };
  const socket = tls.connect({ ...target, ALPNProtocols: ["h2"] });
  await once(socket, "secureConnect");
  expect(socket.alpnProtocol).toBe(false);
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  let answer = "";
  for await (const chunk of socket) answer += (chunk as Buffer).toString("latin1");
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(host.received).toEqual([]);
});

test("a host without a credential gets none, and no header that steers or tells of the network", async () => {
  await ask(REGISTRY, {
    path: "/simple",
    headers: {
      authorization: "Bearer own-account",
      cookie: "session=1",
      "x-api-key": "own",
      "private-token": "own",
      "x-envoy-upstream-rq-timeout-ms": "1",
      "x-forwarded-for": "10.0.0.1",
      forwarded: "host=other.example.com",
      "x-http-method-override": "DELETE",
      "x-original-url": "/other",
      "x-rewrite-url": "/other",
      "user-agent": "npm",
    },
  });
  expect(host.takeOne().headers).toEqual([
    ["host", REGISTRY],
    ["user-agent", "npm"],
  ]);
});

describe("a host with a credential", () => {
  const basic = (user: string, password: string) =>
    `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

  test.each([
    ["authorization", `Bearer ${TOKEN_A}`],
    ["authorization", `bearer  ${TOKEN_A}`],
    ["authorization", `token ${TOKEN_A}`],
    ["authorization", TOKEN_A],
    ["authorization", basic("any", TOKEN_A)],
    ["authorization", basic("", TOKEN_A)],
    ["authorization", basic(TOKEN_A, "")],
    ["authorization", basic(TOKEN_A, "x-oauth-basic")],
    ["x-api-key", TOKEN_A],
  ])("takes the agent's token as %s: %s, and gets its own", async (name, value) => {
    expect((await ask(PRIVATE, { path: "/npm/x", headers: { [name]: value } })).status).toBe(200);
    const request = host.takeOne();
    expect(Object.fromEntries(request.headers)).toEqual({
      host: PRIVATE,
      authorization: `Bearer ${HOST_TOKEN}`,
    });
    expect(await envoy.logged(({ host }) => host === PRIVATE)).toMatchObject({
      agent: "dev-e",
      host: PRIVATE,
      path: "/npm/x",
      action: "request",
      status: 200,
    });
  });

  test.each([
    undefined,
    "Bearer unknown-token-0123456789",
    `Bearer ${HOST_TOKEN}`,
    `Bearer ${TOKEN_A} ${TOKEN_B}`,
    `Digest ${TOKEN_A}`,
    `${TOKEN_A}x`,
    "Basic !!!",
    "Basic",
    basic(TOKEN_A, TOKEN_B),
    basic("any", `${TOKEN_A}x`),
  ])("answers 401 to %s", async (authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    for (const path of ["/npm/x", "/other"]) {
      const { status, headers: answer, body } = await ask(PRIVATE, { path, headers });
      expect(status).toBe(401);
      expect(answer["www-authenticate"]).toBe('Basic realm="claude-gateway"');
      expect(body.toString()).toContain("missing or unknown agent token");
    }
    expect(host.received).toEqual([]);
  });

  test("allows by agent", async () => {
    const publish = (token: string) =>
      ask(PRIVATE, {
        method: "POST",
        path: "/only-f",
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await publish(TOKEN_A)).status).toBe(403);
    expect(host.received).toEqual([]);
    expect(await envoy.logged(({ status }) => status === 403)).toMatchObject({
      agent: "dev-e",
      refused: "rule",
    });
    expect((await publish(TOKEN_B)).status).toBe(200);
    expect(await envoy.logged(({ status }) => status === 200)).toMatchObject({
      agent: "dev-f",
      action: "publish",
    });
  });

  test("tells Git in plain text", async () => {
    const { headers, body } = await ask(PRIVATE, {
      path: "/other",
      headers: { "user-agent": "git/2.50.1", authorization: `Bearer ${TOKEN_A}` },
    });
    expect(headers["content-type"]).toBe("text/plain");
    expect(body.toString()).toBe(
      `gateway: ${PRIVATE} is open for reading /npm/: GET /other is not allowed\n`,
    );
  });
});

test("32 MB go up and down, and the first part arrives while the rest is not sent", async () => {
  const size = 32 * 1024 * 1024;
  let received = 0;
  let began: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (began = resolve));
  host.handle = (request, response) => {
    request.on("data", (chunk: Buffer) => {
      received += chunk.length;
      began();
    });
    request.on("end", () => response.end(Buffer.alloc(size)));
  };
  const request = https.request({
    host: "127.0.0.1",
    port: envoy.ports.sni,
    servername: REGISTRY,
    rejectUnauthorized: false,
    agent: false,
    method: "PUT",
    path: "/upload/x",
    headers: { host: REGISTRY },
  });
  request.write(Buffer.alloc(1024));
  await first;
  request.end(Buffer.alloc(size - 1024));
  const [response] = (await once(request, "response")) as [AsyncIterable<Buffer>];
  let sent = 0;
  for await (const chunk of response) sent += chunk.length;
  expect([received, sent]).toEqual([size, size]);
});

test.each([
  ["another host", [PRIVATE]],
  ["no authority that is known", undefined],
])("a host whose certificate is of %s is refused", async (_what, names) => {
  const dir = await mkdtemp(join(tmpdir(), "stranger-"));
  const stranger = await createAuthority(dir, "ca", "stranger");
  const wrong = await Upstream.start(
    names === undefined
      ? await issueCertificate(stranger, dir, "host", { commonName: "x", names: [REGISTRY] })
      : await certificateFor(...names),
  );
  const other = await Envoy.start({
    ...rendered(inspecting, { ...secrets, hostCredentials: { packages: HOST_TOKEN } }),
    leaf: await certificateFor(REGISTRY, PRIVATE),
    hosts: { [`${REGISTRY}:443`]: wrong.port },
  });
  try {
    const { status, body } = await askHost(other.ports.sni, REGISTRY, { path: "/simple" });
    expect(status).toBe(502);
    expect(body.toString()).toContain("its certificate is not valid");
    expect(wrong.received).toEqual([]);
  } finally {
    await other.stop();
    await wrong.stop();
    await rm(dir, { recursive: true });
  }
});
