import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { askApi } from "../../../../infra/access/api-server.ts";
import { hostProblem } from "../../../../infra/access/host-problem.ts";
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
} from "../../../lab/parts/certificates.ts";

const OUTPUTS = {
  project: "my-project",
  zone: "europe-west1-b",
  instance: "gateway-host",
  kubeconfigSecret: "gateway-host-kubeconfig",
};
const WHERE = "gateway-host (my-project, europe-west1-b)";
const HOST = "organization/claude-gateway/host";
const FILE = `~/.kube/claude-gateway/${HOST}.yaml`;
const MINUTE_MS = 60_000;

let dir = "";
let ca: KeyPair;
let admin: KeyPair;
let stranger: KeyPair;
let server: Server;
/** The status that the API server answers; undefined if it does not answer. */
let status: number | undefined;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "host-problem-"));
  ca = await createAuthority(dir, "ca", "cluster");
  const names = ["127.0.0.1"];
  const api = await issueCertificate(ca, dir, "api", { commonName: "api", names });
  admin = await issueCertificate(ca, dir, "admin", { commonName: "admin" });
  const other = await createAuthority(dir, "other", "another cluster");
  stranger = other;
  server = createServer({
    cert: readFileSync(api.certFile),
    key: readFileSync(api.keyFile),
    ca: readFileSync(ca.certFile),
    requestCert: true,
  });
  server.on("request", (_, response) => {
    if (status !== undefined) response.writeHead(status).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(() => {
  status = 200;
  vi.stubEnv("HOME", dir);
  vi.stubEnv("PATH", join(dir, "bin"));
  for (const folder of ["bin", ".kube"]) mkdirSync(join(dir, folder), { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of ["bin", ".kube"]) rmSync(join(dir, folder), { recursive: true });
});

const port = (): number => (server.address() as AddressInfo).port;

/** Writes the kubeconfig of host stack `host` and returns its path. */
function kubeconfig(authority: KeyPair = ca, apiPort = port()): string {
  const data = (file: string) => readFileSync(file).toString("base64");
  const text = [
    "clusters:",
    "- cluster:",
    `    certificate-authority-data: ${data(authority.certFile)}`,
    `    server: https://127.0.0.1:${apiPort}`,
    "  name: default",
    "users:",
    "- name: default",
    "  user:",
    `    client-certificate-data: ${data(admin.certFile)}`,
    `    client-key-data: ${data(admin.keyFile)}`,
    "",
  ];
  const file = join(dir, `.kube/claude-gateway/${HOST}.yaml`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text.join("\n"));
  return file;
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const other = createServer();
  await once(other.listen(0, "127.0.0.1"), "listening");
  const { port } = other.address() as AddressInfo;
  await once(other.close(), "close");
  return port;
}

/** Puts a gcloud on PATH that prints a table of steps. */
function gcloud(...lines: string[]): void {
  const value = lines.map((line) => `${line}\n`).join("");
  const answer = JSON.stringify([{ namespace: "claude-gateway", key: "steps", value }]);
  const script = `#!/bin/sh\ntest "$3" = get-guest-attributes && printf '%s' '${answer}'\n`;
  writeFileSync(join(dir, "bin/gcloud"), script, { mode: 0o755 });
}

describe("askApi", () => {
  it("finds that the API is ready, using the kubeconfig's certificate", async () => {
    let shown: unknown;
    server.once("secureConnection", (socket) => {
      shown = socket.getPeerCertificate().subject.CN;
    });
    expect(await askApi(kubeconfig(), MINUTE_MS)).toEqual({ is: "ready" });
    expect(shown).toBe("admin");
  });

  it.each([
    [401, { is: "another", reason: "its certificate is no longer accepted" }],
    [500, { is: "missing", reason: "it is not ready (HTTP 500)" }],
  ])("understands HTTP %i", async (code, answer) => {
    status = code;
    expect(await askApi(kubeconfig(), MINUTE_MS)).toEqual(answer);
  });

  it("detects another cluster at the same port", async () => {
    expect(await askApi(kubeconfig(stranger), MINUTE_MS)).toEqual({
      is: "another",
      reason: `another cluster answers at https://127.0.0.1:${port()}`,
    });
  });

  it("detects that nothing listens", async () => {
    const closed = await closedPort();
    expect(await askApi(kubeconfig(ca, closed), MINUTE_MS)).toEqual({
      is: "missing",
      reason: `https://127.0.0.1:${closed} does not answer (ECONNREFUSED)`,
    });
  });

  it("gives up after a time limit", async () => {
    status = undefined;
    expect(await askApi(kubeconfig(), 200)).toEqual({
      is: "missing",
      reason: `https://127.0.0.1:${port()} does not answer (timeout after 0.2 s)`,
    });
  });
});

describe("the reason why a stack cannot use a host", () => {
  const outputs = () => Promise.resolve(OUTPUTS);

  it("is undefined if its API is ready, without calling gcloud or reading the host stack", async () => {
    kubeconfig();
    const unasked = () => Promise.reject(new Error("asked"));
    expect(await hostProblem(HOST, unasked)).toBeUndefined();
  });

  it("is a missing kubeconfig, on a machine during set-up", async () => {
    gcloud("packages\tok\tT\t9 s", "disk\trunning\tT\t");
    expect(await hostProblem(HOST, outputs)).toBe(
      `There is no kubeconfig of host stack "${HOST}" at ${FILE}: run \`npm run tunnel -- --stack ${HOST}\` and leave it running\n` +
        `  npm run host:status -- --stack ${HOST} says: ${WHERE}: setting up, 1 of 12 steps done, now at "disk"`,
    );
  });

  it("is an unreachable API, on a machine whose set-up failed", async () => {
    const closed = await closedPort();
    kubeconfig(ca, closed);
    gcloud("packages\tfailed\tT\tapt-get install ipset: E: no");
    expect(await hostProblem(HOST, outputs)).toBe(
      `The API of host stack "${HOST}" cannot be reached: https://127.0.0.1:${closed} does not answer (ECONNREFUSED). Run \`npm run tunnel -- --stack ${HOST}\` and leave it running\n` +
        `  npm run host:status -- --stack ${HOST} says: ${WHERE}: set-up failed at step "packages": apt-get install ipset: E: no`,
    );
  });

  it("is a kubeconfig from before the host was recreated", async () => {
    kubeconfig(stranger);
    gcloud();
    const [first] = (await hostProblem(HOST, outputs))?.split("\n") ?? [];
    expect(first).toBe(
      `The kubeconfig at ${FILE} is stale (another cluster answers at https://127.0.0.1:${port()}): run \`npm run tunnel -- --stack ${HOST}\` again`,
    );
  });

  it("is also reported without gcloud", async () => {
    expect(await hostProblem(HOST, outputs)).toMatch(
      /^There is no kubeconfig .*\n.* says: gcloud is not installed: install the Google Cloud CLI/,
    );
  });

  it("is a stack that is not a host stack, or not deployed", async () => {
    expect(await hostProblem(HOST, () => Promise.resolve({}))).toBe(
      `Stack "${HOST}" has no output "project": it is not a host stack, or \`pulumi up\` has not finished on it yet. Run: pulumi up -s ${HOST}`,
    );
  });
});
