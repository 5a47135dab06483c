import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  pullCredentialsText,
  renderProvider,
  renderProviderConfig,
} from "../../../../infra/machine/registries/registries.ts";

const TOKEN = "ya29.the-token-of-this-test";
const SECRET = "projects/p/secrets/gateway-host-pull-credentials";
const PASSWORD = `"'$(touch /x)\\ the-password`;
const API = "credentialprovider.kubelet.k8s.io/v1";

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What the two services answer, by path. `silent`: nothing, until the client leaves. */
let answers: Record<string, Answer | "silent"> = {};
let asked: IncomingMessage[] = [];

/** Stands in for the metadata server and Secret Manager, with the headers that both insist on. */
const server = createServer((request, response) => {
  asked.push(request);
  const path = request.url ?? "";
  const answer = answers[path] ?? { status: 404, body: "not found" };
  if (answer === "silent") return;
  const refusal = path.startsWith("/metadata/")
    ? request.headers["metadata-flavor"] !== "Google" && {
        status: 403,
        body: "Missing Metadata-Flavor:Google header.",
      }
    : request.headers.authorization !== `Bearer ${TOKEN}` && {
        status: 401,
        body: '{"error": {"code": 401, "message": "invalid authentication credentials"}}',
      };
  const { status, body } = refusal || answer;
  response.writeHead(status).end(body);
});

const ACCOUNT = "/metadata/instance/service-accounts/default/token";
const NAME = "/metadata/instance/attributes/claude-gateway-pull-secret";
const VERSION = `/manager/${SECRET}/versions/latest:access`;

const ok = (body: string | object): Answer => ({
  status: 200,
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const payload = (stored: string) =>
  ok({ payload: { data: Buffer.from(stored).toString("base64") } });

let dir = "";
let provider = "";

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "registries-"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = join(dir, "provider");
  // A short wait, so that a server that is silent does not hold the test up.
  const script = renderProvider({ metadata: `${base}/metadata`, secretManager: `${base}/manager` });
  writeFileSync(provider, script.replace("--max-time 10", "--max-time 1"), { mode: 0o755 });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  asked = [];
  answers = {
    [ACCOUNT]: ok({ access_token: TOKEN, expires_in: 3599, token_type: "Bearer" }),
    [NAME]: ok(SECRET),
    [VERSION]: payload(
      pullCredentialsText([
        { registry: "ghcr.io", username: "octo-bot", password: PASSWORD },
        { registry: "registry.example.com", username: "other", password: "other" },
      ]),
    ),
  };
});

async function run(input: string) {
  const child = spawn(provider, { stdio: "pipe", env: {} });
  child.stdin.on("error", () => undefined).end(input);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number]>,
  ]);
  return { stdout, stderr, status };
}

const request = (image: string, apiVersion = API) =>
  JSON.stringify({ kind: "CredentialProviderRequest", apiVersion, image });

async function failure(image: string): Promise<string> {
  const { stdout, stderr, status } = await run(request(image));
  expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
  expect(stderr).not.toContain(TOKEN);
  expect(stderr).not.toContain(PASSWORD);
  return stderr;
}

const IMAGE = "europe-west1-docker.pkg.dev/my-project/agents/runner";

describe("the credential provider", () => {
  it("answers for Artifact Registry with the token of the machine's account, until shortly before its end", async () => {
    const { stdout, stderr, status } = await run(request(IMAGE));
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(JSON.parse(stdout)).toEqual({
      kind: "CredentialProviderResponse",
      apiVersion: API,
      cacheKeyType: "Registry",
      cacheDuration: "3299s",
      auth: {
        "europe-west1-docker.pkg.dev": { username: "oauth2accesstoken", password: TOKEN },
      },
    });
    expect(asked.map(({ url }) => url)).toEqual([ACCOUNT]);
  });

  it.each([
    [300, "0s"],
    [12, "0s"],
    [301.9, "1s"],
  ])("caches a token that ends in %d s for %s", async (expires_in, cacheDuration) => {
    answers[ACCOUNT] = ok({ access_token: TOKEN, expires_in });
    expect(JSON.parse((await run(request(IMAGE))).stdout)).toMatchObject({ cacheDuration });
  });

  it("answers for another registry with what is in the secret, and lets nobody keep it", async () => {
    const { stdout, stderr, status } = await run(request("ghcr.io/octo-org/tool"));
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(JSON.parse(stdout)).toEqual({
      kind: "CredentialProviderResponse",
      apiVersion: API,
      cacheKeyType: "Registry",
      cacheDuration: "0s",
      auth: { "ghcr.io": { username: "octo-bot", password: PASSWORD } },
    });
    expect(asked.map(({ url }) => url)).toEqual([ACCOUNT, NAME, VERSION]);
  });

  it("shows the token to Google alone", async () => {
    const attacker = "evil-docker.pkg.dev.example.com/my-project/agents/runner";
    expect(await failure(attacker)).toBe(
      `${SECRET} has no credentials for evil-docker.pkg.dev.example.com: add them to host.pullCredentials\n`,
    );
  });

  const denied = { error: { code: 403, message: "Permission denied on resource." } };
  const server = "the metadata server, asked for instance/service-accounts/default/token,";
  it.each<[string, string, Answer | "silent", string]>([
    ["no account", ACCOUNT, { status: 404, body: "<html>" }, `${server} answered HTTP 404\n`],
    ["a refusal", ACCOUNT, { status: 403, body: "{" }, `${server} answered HTTP 403\n`],
    ["no answer", ACCOUNT, "silent", `${server} did not answer within 10 s\n`],
    ["nothing", ACCOUNT, ok(""), "the metadata server answered without an access token\n"],
    ["garbage", ACCOUNT, ok("<html>"), "the metadata server answered without an access token\n"],
    [
      "a token that is no text",
      ACCOUNT,
      ok({ access_token: 7, expires_in: 3599 }),
      "the metadata server answered without an access token\n",
    ],
    [
      "no end of the token",
      ACCOUNT,
      ok({ access_token: "x" }),
      "the metadata server answered without an access token\n",
    ],
    [
      "no name of a secret",
      NAME,
      { status: 404, body: "" },
      "the metadata server, asked for instance/attributes/claude-gateway-pull-secret, answered HTTP 404\n",
    ],
    [
      "no grant on the secret",
      VERSION,
      { status: 403, body: JSON.stringify(denied) },
      `Secret Manager, asked for ${SECRET}, answered HTTP 403: Permission denied on resource.\n`,
    ],
    [
      "garbage in the secret",
      VERSION,
      payload("garbage"),
      `${SECRET} has no credentials for ghcr.io: add them to host.pullCredentials\n`,
    ],
    [
      "an empty secret",
      VERSION,
      payload(""),
      `${SECRET} has no credentials for ghcr.io: add them to host.pullCredentials\n`,
    ],
    [
      "a secret of nothing",
      VERSION,
      ok({}),
      `${SECRET} has no credentials for ghcr.io: add them to host.pullCredentials\n`,
    ],
  ])("with %s says why, and answers nothing", async (_, path, answer, message) => {
    answers[path] = answer;
    expect(await failure("ghcr.io/octo-org/tool")).toBe(message);
  });

  it("says that nobody listens", () => {
    const gone = join(dir, "gone");
    const nobody = { metadata: "http://127.0.0.1:9/metadata", secretManager: "" };
    writeFileSync(gone, renderProvider(nobody), { mode: 0o755 });
    const { stderr, status } = spawnSync(gone, { input: request(IMAGE), encoding: "utf8" });
    expect({ stderr, status }).toEqual({
      stderr: `${server} could not be reached (curl: exit code 7)\n`,
      status: 1,
    });
  });

  it.each([
    "",
    "[]",
    "{",
    request(IMAGE, "credentialprovider.kubelet.k8s.io/v1beta1"),
    request(""),
  ])("refuses the input %j", async (input) => {
    const { stdout, stderr, status } = await run(input);
    expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
    expect(stderr).toBe(`the input is not a CredentialProviderRequest of ${API} with an image\n`);
    expect(asked).toEqual([]);
  });

  it("passes no secret to a process as an argument", () => {
    const programs = /\b(curl|jq|base64)\b.*\$(account|stored)\b/;
    const lines = renderProvider().split("\n");
    const withSecret = lines.filter((line) => programs.test(line.replace(/<<<"\$\w+"/, "")));
    expect(withSecret).toEqual([]);
  });
});

describe("the kubelet's configuration", () => {
  it("asks for Artifact Registry anywhere and for the named registries, and for nothing else", () => {
    expect(JSON.parse(renderProviderConfig(["ghcr.io", "docker.io"]))).toEqual({
      apiVersion: "kubelet.config.k8s.io/v1",
      kind: "CredentialProviderConfig",
      providers: [
        {
          name: "claude-gateway-registries",
          apiVersion: API,
          matchImages: ["*-docker.pkg.dev", "ghcr.io", "docker.io"],
          defaultCacheDuration: "0s",
        },
      ],
    });
  });
});
