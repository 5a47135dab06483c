import { once } from "node:events";
import { readFile } from "node:fs/promises";
import tls from "node:tls";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { renderEnvoyConfig } from "../../components/gateway/envoy/render.ts";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { labCa } from "../lab/parts/ca.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor } from "./gateways.ts";
import { Upstream } from "./upstream.ts";
import { envoySni } from "../../components/gateway/paths/envoy-sni.ts";

const sni: EnvoyConfigArgs = { variant: envoySni, allowHosts: ["github.com"] };

let github: Upstream;
let anthropic: Upstream;
let ca: Buffer;
let envoy: Envoy;

beforeAll(async () => {
  ca = await readFile((await labCa()).certFile);
  github = await Upstream.start(await certificateFor("github.com"));
  anthropic = await Upstream.start(await certificateFor("api.anthropic.com"));
  envoy = await Envoy.start({
    config: renderEnvoyConfig(sni),
    hosts: {
      "github.com:443": github.port,
      "api.anthropic.com:443": anthropic.port,
      "npm.pkg.github.com:443": github.port,
    },
  });
});

afterAll(async () => {
  await envoy.stop();
  await github.stop();
  await anthropic.stop();
});

beforeEach(() => {
  github.received.length = 0;
  anthropic.received.length = 0;
});

/** One request over the client's own TLS. The certificate must be the named host's. */
async function get(host: string, servername: string | undefined = host): Promise<string> {
  const socket = tls.connect({
    port: envoy.ports.sni,
    host: "127.0.0.1",
    ca,
    ...(servername === "" ? {} : { servername }),
    checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(host, certificate),
  });
  await once(socket, "secureConnect");
  socket.end(
    `GET /x HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer own\r\nConnection: close\r\n\r\n`,
  );
  let text = "";
  for await (const chunk of socket) text += (chunk as Buffer).toString();
  return text;
}

test.each(["github.com", "api.anthropic.com"])(
  "TLS to %s reaches that host undecrypted",
  async (host) => {
    expect(await get(host)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const upstream = host === "github.com" ? github : anthropic;
    expect(upstream.takeOne().headers).toEqual([
      ["Host", host],
      ["Authorization", "Bearer own"],
      ["Connection", "close"],
    ]);
    expect(await envoy.logged(({ server_name }) => server_name === host)).toMatchObject({
      listener: "sni",
      source: "127.0.0.1",
      upstream: host,
    });
  },
);

test.each(["npm.pkg.github.com", "x.github.com", "com", "github.com.evil.example.com"])(
  "TLS to the unlisted %s is closed and logged",
  async (host) => {
    await expect(get("github.com", host)).rejects.toThrow(/ECONNRESET|disconnected/);
    const line = await envoy.logged(({ server_name }) => server_name === host);
    expect(line).toMatchObject({ upstream: null, flags: "NR", bytes_sent: 0 });
    expect([github.received, anthropic.received]).toEqual([[], []]);
  },
);

test("TLS without a server name is closed", async () => {
  await expect(get("github.com", "")).rejects.toThrow(/ECONNRESET|disconnected/);
});

test("a host that is listed later can be reached without a restart, and the open tunnel stays open", async () => {
  const tunnel = tls.connect({
    port: envoy.ports.sni,
    host: "127.0.0.1",
    ca,
    servername: "github.com",
  });
  await once(tunnel, "secureConnect");
  await envoy.updateConfig(
    renderEnvoyConfig({ ...sni, allowHosts: ["npm.pkg.github.com", "github.com"] }),
  );
  await eventually(
    () => get("github.com", "npm.pkg.github.com"),
    (text) => text.startsWith("HTTP/1.1 200"),
  );
  tunnel.end("GET / HTTP/1.1\r\nHost: github.com\r\nConnection: close\r\n\r\n");
  let text = "";
  for await (const chunk of tunnel) text += (chunk as Buffer).toString();
  expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
});
