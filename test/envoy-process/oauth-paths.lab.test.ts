import { once } from "node:events";
import { readFile } from "node:fs/promises";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type VariantName, variants } from "../../components/gateway/paths/index.ts";
import { hybrid } from "../../components/gateway/paths/hybrid.ts";
import { envoySni } from "../../components/gateway/paths/envoy-sni.ts";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { labCa } from "../lab/parts/ca.ts";
import { lineProgress } from "../lab/progress.ts";
import { send } from "./client.ts";
import { Envoy } from "./envoy.ts";
import { freePort } from "./free-port.ts";
import {
  certificateFor,
  INTERNAL_TOKEN,
  OAUTH_BETA,
  OAUTH_TOKEN,
  PLACEHOLDER,
  rendered,
  secrets,
  shim,
  terminate,
  TOKEN_A,
} from "./gateways.ts";
import { startLiteLlm } from "./litellm-process.ts";
import { Upstream } from "./upstream.ts";

/** A request with an OAuth token as the credential, through every path that carries one, with real processes. */
const API = "api.anthropic.com";

let upstream: Upstream;

beforeAll(async () => {
  upstream = await Upstream.start(await certificateFor(API));
});

afterAll(async () => {
  await upstream.stop();
});

const BODY = JSON.stringify({ model: "claude", max_tokens: 1, messages: [] });

function askAsAgent(port: number) {
  const headers = [
    ["x-api-key", TOKEN_A],
    ["anthropic-version", "2023-06-01"],
    ["anthropic-beta", "b-2"],
    ["content-type", "application/json"],
  ] as const;
  return send(port, { path: "/anthropic/v1/messages", headers, body: BODY });
}

async function throughEnvoy(args: EnvoyConfigArgs, hosts: Readonly<Record<string, number>> = {}) {
  return Envoy.start({
    ...rendered(
      { ...args, credentialKind: "oauth" },
      {
        ...secrets,
        credential: OAUTH_TOKEN,
      },
    ),
    hosts: { [`${API}:443`]: upstream.port, ...hosts },
  });
}

/** Envoy, LiteLLM, and Envoy again. */
async function throughBoth(args: EnvoyConfigArgs): Promise<number> {
  const port = await freePort();
  const envoy = await throughEnvoy(args, { [`${shim.litellmHost}:4000`]: port });
  try {
    const litellm = await startLiteLlm(
      {
        ...{ port, token: INTERNAL_TOKEN, apiKey: PLACEHOLDER },
        upstreamBaseUrl: `http://127.0.0.1:${envoy.ports.egress}`,
      },
      lineProgress(),
    );
    try {
      return (await askAsAgent(envoy.ports.agents)).status;
    } finally {
      await litellm.stop();
    }
  } finally {
    await envoy.stop();
  }
}

/** Sends one request through a path and returns the status that the agent gets. */
const asks: Partial<Record<VariantName, () => Promise<number>>> = {
  async litellm() {
    const litellm = await startLiteLlm(
      {
        ...{ port: await freePort(), token: TOKEN_A, apiKey: OAUTH_TOKEN },
        upstreamBaseUrl: `https://${API}:${upstream.port}`,
      },
      lineProgress(),
    );
    try {
      return (await askAsAgent(litellm.port)).status;
    } finally {
      await litellm.stop();
    }
  },
  shim: () => throughBoth(shim),
  hybrid: () => throughBoth({ ...shim, variant: hybrid }),
  async "envoy-terminate"() {
    const envoy = await throughEnvoy(terminate);
    try {
      return (await askAsAgent(envoy.ports.agents)).status;
    } finally {
      await envoy.stop();
    }
  },
  // The agent itself has the token, and sends it with the beta, as Claude Code does.
  async "envoy-sni"() {
    const envoy = await throughEnvoy({ variant: envoySni, allowHosts: [] });
    try {
      const ca = await readFile((await labCa()).certFile);
      const socket = tls.connect({ host: "127.0.0.1", port: envoy.ports.sni, ca, servername: API });
      await once(socket, "secureConnect");
      const head = [
        "POST /v1/messages HTTP/1.1",
        `Host: ${API}`,
        `authorization: Bearer ${OAUTH_TOKEN}`,
        `anthropic-beta: b-2,${OAUTH_BETA}`,
        `Content-Length: ${BODY.length}`,
        "Connection: close",
      ];
      socket.write(`${head.join("\r\n")}\r\n\r\n${BODY}`);
      let text = "";
      for await (const chunk of socket) text += (chunk as Buffer).toString();
      return Number(text.split(" ")[1]);
    } finally {
      await envoy.stop();
    }
  },
};

const carrying = variants.filter(({ credentials }) =>
  (credentials as readonly string[]).includes("oauth"),
);

test("every path that carries an OAuth token is tried", () => {
  expect(Object.keys(asks).sort()).toEqual(carrying.map(({ name }) => name).sort());
});

test.each(carrying)(
  "on $name the API gets the token with its beta, and no key",
  async ({ name }) => {
    expect(await asks[name]?.()).toBe(200);
    const received = upstream.takeOne();
    const headers = new Map(received.headers.map(([key, value]) => [key.toLowerCase(), value]));
    expect(headers.get("authorization")).toBe(`Bearer ${OAUTH_TOKEN}`);
    expect(headers.has("x-api-key")).toBe(false);
    expect(headers.get("anthropic-beta")?.split(",").sort()).toEqual(["b-2", OAUTH_BETA]);
    expect(received.body.toString()).toContain('"max_tokens":');
  },
  120_000,
);
