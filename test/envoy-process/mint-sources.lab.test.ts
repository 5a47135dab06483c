import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GithubSource, GoogleSource } from "../../components/gateway/mint/config.ts";
import { mintSubject } from "../../components/gateway/mint/mint.ts";
import { type GithubApp, GithubTokens } from "../lab/tokens/github.ts";
import { GoogleTokens, type PoolProvider } from "../lab/tokens/google.ts";
import { ClusterIssuer } from "../lab/tokens/issuer.ts";
import { TokenServer } from "../lab/tokens/server.ts";
import { certificateFor } from "./gateways.ts";
import { MintProcess } from "./mint-process.ts";

const SUBJECT = mintSubject("claude-gateway");
const PROVIDER =
  "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/lab/providers/k3s";
const ACCOUNT = "vertex@lab.iam.gserviceaccount.com";
const REST = "agents get status 503 until there is a token";

const stops: (() => Promise<void>)[] = [];
const APP_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mint-key-"));
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(dir, { recursive: true });
});

async function serve(endpoint: Parameters<typeof TokenServer.start>[0]): Promise<TokenServer> {
  const server = await TokenServer.start(endpoint, await certificateFor("127.0.0.1"));
  stops.push(() => server.stop());
  return server;
}

async function google(
  settings: Partial<GoogleSource> = {},
  provider: Partial<PoolProvider> = {},
): Promise<{ mint: MintProcess; google: GoogleTokens; sts: TokenServer; iam: TokenServer }> {
  const issuer = await ClusterIssuer.create();
  const google = new GoogleTokens({
    name: PROVIDER,
    issuer: issuer.issuer,
    keys: issuer.keys,
    allowedAudiences: [`https:${PROVIDER}`],
    serviceAccounts: { [ACCOUNT]: [SUBJECT] },
    lifetimeSeconds: 4,
    ...provider,
  });
  const [sts, iam] = [await serve(google.sts), await serve(google.iam)];
  const mint = await MintProcess.prepare(
    {
      kind: "google",
      endpoint: sts.url,
      iamEndpoint: iam.url,
      audience: PROVIDER,
      ...settings,
    },
    { minLifetimeSeconds: 1 },
  );
  stops.unshift(() => mint.stop());
  await mint.assertion(await issuer.assertion(SUBJECT, `https:${PROVIDER}`));
  await mint.start();
  return { mint, google, sts, iam };
}

test("Google's token is made and renewed, of the same assertion", async () => {
  const { mint, google: tokens, iam } = await google();
  const first = await mint.nextToken();
  const second = await mint.nextToken(first);
  expect([...tokens.made]).toMatchObject([
    [first, { subject: SUBJECT }],
    [second, { subject: SUBJECT }],
  ]);
  expect(iam.received).toEqual([]);
});

test("a service account is impersonated", async () => {
  const { mint, google: tokens, iam } = await google({ impersonate: ACCOUNT });
  const token = await mint.nextToken();
  expect(tokens.made.get(token)?.subject).toBe(ACCOUNT);
  expect(JSON.parse(iam.received[0]?.body ?? "")).toEqual({
    scope: ["https://www.googleapis.com/auth/cloud-platform"],
    lifetime: "3600s",
  });
  // The rest of a second is lost.
  expect(await mint.says("new token")).toMatch(/^new token, good for (3599|3600) s$/);
});

test.each([
  {
    name: "another provider",
    settings: { audience: `${PROVIDER}2` },
    says: (sts: string) =>
      `${sts} refused (400 invalid_target: The target service indicated by the "audience" parameters is invalid.); check credential.audience (${PROVIDER}2), and that ` +
      "the pool's provider has issuer https://kubernetes.default.svc.cluster.local, the cluster's keys, the allowed audience " +
      `https:${PROVIDER}, and a condition that lets subject ${SUBJECT} pass`,
  },
  {
    name: "an audience that the provider does not allow",
    provider: { allowedAudiences: ["other"] },
    says: (sts: string) =>
      `${sts} refused (400 invalid_grant: unexpected "aud" claim value); check credential.audience (${PROVIDER}), and that ` +
      "the pool's provider has issuer https://kubernetes.default.svc.cluster.local, the cluster's keys, the allowed audience " +
      `https:${PROVIDER}, and a condition that lets subject ${SUBJECT} pass`,
  },
  {
    name: "a service account that does not let the subject act as it",
    settings: { impersonate: ACCOUNT },
    provider: { serviceAccounts: { [ACCOUNT]: [] } },
    says: (_sts: string, iam: string) =>
      `${iam} refused (403 PERMISSION_DENIED: Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).); grant the subject ` +
      `${SUBJECT} of the workload identity pool the role roles/iam.workloadIdentityUser on ${ACCOUNT}`,
  },
  {
    name: "an unknown service account",
    settings: { impersonate: "none@lab.iam.gserviceaccount.com" },
    says: (_sts: string, iam: string) =>
      `${iam} refused (404 NOT_FOUND: Unknown service account); check credential.impersonate: there is no none@lab.iam.gserviceaccount.com`,
  },
])("Google refuses $name, and the line says what to do", async ({ settings, provider, says }) => {
  const { mint, sts, iam } = await google(settings, provider);
  expect(await mint.says("no new token")).toBe(
    `no new token: ${says(sts.host, iam.host)}; ${REST}`,
  );
  expect(await mint.token()).toBe("");
});

async function github(
  settings: Partial<GithubSource> = {},
  { clockSeconds = 0, key = APP_KEY.privateKey.export({ type: "pkcs1", format: "pem" }) } = {},
): Promise<{ mint: MintProcess; github: GithubTokens; server: TokenServer }> {
  const app: GithubApp = {
    id: "1234",
    publicKey: APP_KEY.publicKey,
    installationId: "5678",
    repositories: ["one", "two"],
    permissions: { contents: "write", metadata: "read" },
    lifetimeSeconds: 5,
  };
  const github = new GithubTokens(app);
  const server = await serve(github.handle);
  const privateKeyFile = join(dir, "key.pem");
  await writeFile(privateKeyFile, key);
  const mint = await MintProcess.prepare(
    {
      kind: "github",
      endpoint: server.url,
      appId: "1234",
      installationId: "5678",
      privateKeyFile,
      repositories: ["one"],
      permissions: { contents: "read" },
      ...settings,
    },
    { minLifetimeSeconds: 1 },
  );
  stops.unshift(() => mint.stop());
  await mint.start({ clockSeconds });
  return { mint, github, server };
}

test("GitHub's token is for the repositories and permissions alone, in the form that Git sends", async () => {
  const { mint, github: tokens } = await github();
  const first = await mint.nextToken();
  const token = /^x-access-token:(ghs_1234_.+)$/.exec(Buffer.from(first, "base64").toString())?.[1];
  expect(tokens.made.get(token ?? "")).toEqual({
    repositories: ["one"],
    permissions: { contents: "read" },
  });
  await mint.nextToken(first);
  expect(tokens.made.size).toBeGreaterThan(1);
});

test.each([
  {
    name: "another key",
    key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    }),
    says: "HOST refused (401 A JSON web token could not be decoded); check the App's id (1234) and its private key, which must be one of that App's",
  },
  {
    name: "another App",
    settings: { appId: "99" },
    says: "HOST refused (401 Integration not found); check the App's id (99) and its private key, which must be one of that App's",
  },
  {
    name: "another installation",
    settings: { installationId: "99" },
    says: "HOST refused (404 Not Found); check the installation's id (99): the App 1234 has no such installation",
  },
  {
    name: "a repository that was not granted",
    settings: { repositories: ["one", "three"] },
    says:
      "HOST refused (422 There is at least one repository that does not exist or is not accessible to the parent installation.); " +
      "the installation 5678 must have been granted the repositories one, three and the permissions contents: read",
  },
  {
    name: "a permission that was not granted",
    settings: { permissions: { issues: "write" } },
    says:
      "HOST refused (422 The permissions requested are not granted to this installation.); " +
      "the installation 5678 must have been granted the repositories one and the permissions issues: write",
  },
])("GitHub refuses $name, and the line says what to do", async ({ settings, says, ...options }) => {
  const { mint, server } = await github(settings, options);
  expect(await mint.says("no new token")).toBe(
    `no new token: ${says.replace("HOST", server.host)}; ${REST}`,
  );
});

test("a key that is none is named, and not shown", async () => {
  const { mint } = await github({}, { key: "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n" });
  expect(await mint.says("no new token")).toBe(
    `no new token: ${join(dir, "key.pem")} contains no RSA private key: set the App's key, as GitHub gave it; ${REST}`,
  );
  expect(mint.output).not.toContain("c2VjcmV0");
});

test("a clock that is ahead is mentioned with GitHub's refusal", async () => {
  const { mint } = await github({}, { clockSeconds: 300 });
  expect(await mint.says("no new token")).toMatch(
    /\(401 'Expiration time' claim \('exp'\) is too far in the future\); .*; this node's clock is (299|300|301) s ahead of the endpoint's: set it; /,
  );
});
