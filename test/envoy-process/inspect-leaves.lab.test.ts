import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { leavesScript } from "../../components/gateway/inspect/leaves.ts";
import { createAuthority, type KeyPair } from "../lab/parts/certificates.ts";
import { selfSigned } from "../lab/pulumi/tls/certificate.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, secrets } from "./gateways.ts";
import { HOST_TOKEN, inspecting, PRIVATE, REGISTRY } from "./inspecting.ts";
import { LeavesProcess } from "./leaves-process.ts";
import { Upstream } from "./upstream.ts";

let dir: string;
let authority: KeyPair;
let helper: LeavesProcess | undefined;

beforeAll(() => {
  leavesScript();
});

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "authority-"));
  authority = await createAuthority(dir, "ca", "claude-gateway test");
});

afterEach(async () => {
  await helper?.stop();
  helper = undefined;
  await rm(dir, { recursive: true });
});

const HOSTS = [REGISTRY, PRIVATE];

async function started(
  settings: Parameters<typeof LeavesProcess.prepare>[2] = {},
): Promise<LeavesProcess> {
  helper = await LeavesProcess.prepare(HOSTS, authority, { checkSeconds: 0.05, ...settings });
  await helper.start();
  return helper;
}

/** An authority that ends so many seconds from now. */
async function authorityFor(seconds: number): Promise<void> {
  const key = createPrivateKey(await readFile(authority.keyFile));
  const { pem } = selfSigned({
    key,
    publicKey: createPublicKey(key),
    subject: { commonName: "short" },
    begins: new Date(Date.now() - 7200_000),
    ends: new Date(Date.now() + seconds * 1000),
    authority: true,
    maxPathLength: undefined,
    uses: ["cert_signing"],
    subjectKeyId: true,
    authorityKeyId: false,
  });
  await writeFile(authority.certFile, pem);
}

test("the certificate is for every host, for a week, from the authority, and only its user can read it", async () => {
  const leaves = await started();
  const certificate = new X509Certificate(await leaves.next());
  const issuer = new X509Certificate(await readFile(authority.certFile));
  expect(certificate.verify(issuer.publicKey)).toBe(true);
  expect(certificate.checkIssued(issuer)).toBe(true);
  expect(certificate.subjectAltName).toBe(HOSTS.map((host) => `DNS:${host}`).join(", "));
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  const [from, to] = [certificate.validFrom, certificate.validTo].map(Date.parse);
  expect(((to ?? 0) - (from ?? 0)) / 1000).toBe(7 * 24 * 3600 + 3600);
  expect(await leaves.mode()).toBe("600");
});

test("it is renewed while a stream is open, which goes on", async () => {
  const host = await Upstream.start(await certificateFor(REGISTRY));
  const leaves = await started({ lifetimeSeconds: 60, renewAfterSeconds: 1 });
  const first = await leaves.next();
  const envoy = await Envoy.start({
    ...rendered(inspecting, { ...secrets, hostCredentials: { packages: HOST_TOKEN } }),
    leaves: leaves.leaves,
    hosts: { [`${REGISTRY}:443`]: host.port },
  });
  const ca = await readFile(authority.certFile);
  const target = { host: "127.0.0.1", port: envoy.ports.sni, servername: REGISTRY, ca };
  const shown = async () => {
    const socket = tls.connect(target);
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  try {
    let finish: () => void = () => undefined;
    host.handle = (_request, response) => {
      response.write("begun ");
      finish = () => response.end("ended");
    };
    const request = https.get({
      ...target,
      agent: false,
      path: "/allowed/stream",
      headers: { host: REGISTRY },
    });
    const [response] = (await once(request, "response")) as [AsyncIterable<Buffer>];
    const before = await shown();
    const second = await leaves.next(first);
    await leaves.next(second);
    await eventually(shown, (fingerprint) => fingerprint !== before);
    finish();
    let text = "";
    for await (const chunk of response) text += chunk.toString();
    expect(text).toBe("begun ended");
  } finally {
    await envoy.stop();
    await host.stop();
  }
});

test("a restart in the same pod makes a new one, and there is a valid one all the time", async () => {
  const leaves = await started();
  const first = await leaves.next();
  await leaves.kill();
  expect(await leaves.certificate()).toBe(first);
  await leaves.start();
  expect(new X509Certificate(await leaves.next(first)).subjectAltName).toContain(REGISTRY);
});

test("a clock that was set back or forward makes a new one", async () => {
  const leaves = await started();
  const first = new X509Certificate(await leaves.next());
  await leaves.setClock(30 * 24 * 3600);
  const later = new X509Certificate(await leaves.next(first.toString()));
  expect(Date.parse(later.validFrom)).toBeGreaterThan(Date.parse(first.validTo));
  await leaves.setClock(0);
  const now = new X509Certificate(await leaves.next(later.toString()));
  expect(Date.parse(now.validFrom)).toBeLessThan(Date.now());
});

test("nothing outlives the authority, and the log says that it ends soon", async () => {
  await authorityFor(3600);
  const leaves = await started();
  const certificate = new X509Certificate(await leaves.next());
  const issuer = new X509Certificate(await readFile(authority.certFile));
  expect(certificate.validTo).toBe(issuer.validTo);
  expect(await leaves.says("the authority ends at")).toMatchObject({ level: "warning" });
  expect(leaves.lines.filter(({ level }) => level === "warning")).toHaveLength(1);
});

test("an authority that has ended, and a key of another one, are named in the log", async () => {
  await authorityFor(-1);
  const leaves = await started();
  expect(await leaves.says("the authority ended at")).toMatchObject({ level: "error" });
  const other = await createAuthority(dir, "other", "other");
  await copyFile(other.certFile, authority.certFile);
  await leaves.says("do not belong together");
  await copyFile(other.keyFile, authority.keyFile);
  const issuer = new X509Certificate(await readFile(other.certFile));
  expect(new X509Certificate(await leaves.next()).verify(issuer.publicKey)).toBe(true);
});

test("a new authority makes a new certificate at once", async () => {
  const leaves = await started();
  const first = await leaves.next();
  const other = await createAuthority(dir, "other", "other");
  await copyFile(other.keyFile, authority.keyFile);
  await copyFile(other.certFile, authority.certFile);
  const issuer = new X509Certificate(await readFile(other.certFile));
  expect(new X509Certificate(await leaves.next(first)).verify(issuer.publicKey)).toBe(true);
});
