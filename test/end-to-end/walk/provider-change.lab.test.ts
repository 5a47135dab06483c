import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn } from "../../lab/claude.ts";
import { openLab, stopDaemon } from "../../lab/cluster/index.ts";
import { lineProgress } from "../../lab/progress.ts";
import {
  ensureBedrock,
  LAB_BEDROCK_KEY,
  LAB_BEDROCK_REGION,
  LAB_VERTEX_REGION,
  startGoogle,
} from "../../lab/providers/providers.ts";
import { LAB_PROJECT } from "../../lab/providers/vertex.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { run } from "../../lab/pulumi/run.ts";
import { labTarget } from "../../lab/target.ts";
import type { FederationRule } from "../../lab/tokens/anthropic.ts";
import { ensureUpstream, LAB_API_KEY } from "../../lab/upstream.ts";
import { headerOf, lastRecord } from "../../verify/conformance/checks/relay.ts";
import { decide } from "../../verify/conformance/report/decision.ts";
import { ReportJson } from "../../verify/conformance/report/json-schema.ts";
import type { Report } from "../../verify/conformance/report/report.ts";
import {
  AGENT,
  configureFederation,
  GATEWAY,
  type Means,
  registerRule,
  STACK,
  stackWithKey,
} from "../credentials/federated-stack.ts";
import { expectClosed } from "../egress/command.ts";
import { startSender, stopSender } from "./sender.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "./traffic.ts";

/**
 * The stack of the renewal goes back to a stored key, and then through every provider, each time with `pulumi up` alone.
 * The tests depend on each other, in order. Alone, this file makes the stack.
 */
const progress = lineProgress();

const POOL =
  "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/lab/providers/k3s";
const SERVICE_ACCOUNT = "claude@lab-project.iam.gserviceaccount.com";

let means: Means;
let stack: Stack;
let rule: FederationRule;

beforeAll(async () => {
  const lab = openLab();
  const target = await labTarget(lab, progress);
  means = { lab, target, control: await ensureUpstream(lab) };
  stack = await stackWithKey(means, progress);
  rule = await registerRule(means);
  if (Object.keys(await stack.outputs()).length > 0) return;
  await configureFederation(stack);
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
});

afterAll(async () => {
  await progress.step(`pulumi destroy -s ${STACK}`, () => stack.destroy());
  await stack.remove();
  await means.control.setFederationRules([]);
  await Promise.all([stopDaemon(means.lab, "google"), stopDaemon(means.lab, "bedrock")]);
});

/** What the agent shows the gateway. */
async function tokenOfAgent(): Promise<string> {
  const { agents } = (await stack.outputs()) as { agents: Record<string, { tokenSecret: string }> };
  const token = await means.target.kubectl([
    ...["get", "secret", agents[AGENT]?.tokenSecret ?? "", `--namespace=${AGENT}`],
    "--output=jsonpath={.data.token}",
  ]);
  return Buffer.from(token, "base64").toString();
}

/** Replaces the credential, and with it the provider and its settings. */
async function configure(
  remove: readonly string[],
  values: Readonly<Record<string, string>>,
  secret?: string,
): Promise<void> {
  for (const key of ["credential", ...remove]) await stack.removeConfig(key);
  await stack.configure(values);
  if (secret !== undefined) await stack.setConfig("credential.value", secret, { secret: true });
}

test("from a federated credential to a stored key: `up` loses no request, and nothing of the federation stays", async () => {
  const sender = await startSender(means.target, stack, AGENT);
  await configure([], { "credential.kind": "apiKey" }, means.target.apiKey);
  const { stream, requests } = await trafficDuring(
    ...[means.target, means.control, sender, "to-key"],
    () => stack.up(),
  );
  await stopSender(means.target, sender);
  expect(requests.lost).toEqual([]);
  expect(requests.completed).toBeGreaterThanOrEqual(10);
  expect(stream).toMatchObject({ status: 200 });
  expect(streamedText(stream.body ?? "")).toBe(STREAM_TEXT);
  const objects = await means.target.kubectl([
    ...["get", "serviceaccounts,configmaps", `--namespace=${GATEWAY}`, "--output=name"],
  ]);
  expect(objects.split("\n")).toContain("configmap/envoy-terminate-config");
  expect(objects).not.toMatch(/mint|serviceaccount\/claude-gateway/);
});

/** The warnings of a real preview. */
async function warnings(): Promise<string[]> {
  const { diagnostics = [] } = await stack.preview();
  return diagnostics.flatMap(({ severity, message }) =>
    severity === "warning" ? [message.trim()] : [],
  );
}

/** Two turns of a session of the real Claude Code. Returns the requests for messages that a stand-in got meanwhile. */
async function twoTurns(control: AnthropicControl) {
  const before = await lastRecord(control);
  const agentToken = await tokenOfAgent();
  expect(agentToken.length).toBeGreaterThan(20);
  const ask = (prompt: string, resume?: string) =>
    runTurn(means.target, {
      ...{ namespace: AGENT, prompt },
      ...(resume !== undefined && { resume }),
    });
  const first = await ask("say: grey-heron");
  expect(first).toMatchObject({ is_error: false, result: "grey-heron" });
  const second = await ask("say: blue-heron", first.session_id);
  expect(second).toMatchObject({
    ...{ is_error: false, result: "blue-heron", session_id: first.session_id },
  });
  const records = (await control.records(before)).filter(({ method }) => method === "POST");
  const asked = records.filter(({ bodyBytes }) => bodyBytes > 0);
  for (const { headers, url, response } of asked) {
    expect(JSON.stringify([headers, url])).not.toContain(agentToken);
    expect([url, response?.status]).toEqual([url, 200]);
  }
  return asked;
}

test("to Vertex: preview names the agent and its variables, and Claude Code works with a token that Google made", async () => {
  const google = await startGoogle(means.lab, {
    name: POOL,
    issuer: rule.issuer,
    keys: rule.keys,
    allowedAudiences: [`https:${POOL}`],
    serviceAccounts: { [SERVICE_ACCOUNT]: [rule.subject] },
    lifetimeSeconds: 3600,
  });
  await configure([], {
    "gateway.provider": "vertex",
    "gateway.vertex.project": LAB_PROJECT,
    "gateway.vertex.region": LAB_VERTEX_REGION,
    "credential.kind": "google",
    "credential.audience": POOL,
    "credential.impersonate": SERVICE_ACCOUNT,
  });
  expect(await warnings()).toEqual([
    `warning: This update restarts agents, because their environment changes: ${AGENT} (ANTHROPIC_BASE_URL, ` +
      "ANTHROPIC_VERTEX_BASE_URL, ANTHROPIC_VERTEX_PROJECT_ID, CLAUDE_CODE_SKIP_VERTEX_AUTH, CLAUDE_CODE_USE_VERTEX, CLOUD_ML_REGION). " +
      "Their runners restart with it. A workload of your own needs the new podPatch, and the gateway may refuse its requests until it has it.",
  ]);
  await progress.step("pulumi up to vertex", () => stack.up());
  const requests = await twoTurns(google);
  const models = requests.filter(({ headers }) =>
    hostOf(headers).endsWith("-aiplatform.googleapis.com"),
  );
  expect(models.length).toBeGreaterThanOrEqual(2);
  for (const { headers } of models) {
    expect(headerOf(headers, "authorization")).toMatch(/^Bearer ya29\./);
    expect(headerOf(headers, "x-api-key")).toBeUndefined();
  }
  const all = await google.records();
  const exchanges = all.filter(({ headers }) => !hostOf(headers).includes("aiplatform"));
  expect(exchanges.map(({ headers, response }) => [hostOf(headers), response?.status])).toEqual([
    ["sts.googleapis.com", 200],
    ["iamcredentials.googleapis.com", 200],
  ]);
});

function hostOf(headers: Parameters<typeof headerOf>[0]): string {
  return headerOf(headers, "host") ?? "";
}

test("to Bedrock: Claude Code works with the Bedrock key", async () => {
  const bedrock = await ensureBedrock(means.lab);
  await configure(
    ["gateway.vertex"],
    {
      "gateway.provider": "bedrock",
      "gateway.bedrock.region": LAB_BEDROCK_REGION,
      "credential.kind": "bedrockKey",
    },
    LAB_BEDROCK_KEY,
  );
  await progress.step("pulumi up to bedrock", () => stack.up());
  const requests = await twoTurns(bedrock);
  expect(requests.length).toBeGreaterThanOrEqual(2);
  for (const { headers } of requests) {
    expect(headerOf(headers, "authorization")).toBe(`Bearer ${LAB_BEDROCK_KEY}`);
  }
});

test("on Bedrock, npm run verify measures the provider with Claude Code, and npm run verify:egress finds it closed", async () => {
  const { cloneDir } = means.lab;
  const dir = await mkdtemp(join(tmpdir(), "claude-gateway-bedrock-"));
  try {
    const json = join(dir, "verify.json");
    const { exitCode, stderr } = await run({
      argv: [process.execPath, "run.mjs", "commands/verify.ts", "--stack", STACK, "--json", json],
      cwd: cloneDir,
      env: process.env,
    });
    expect(exitCode, stderr).toBe(0);
    const report = JSON.parse(await readFile(json, "utf8")) as Report;
    expect(ReportJson.safeParse(report).error).toBeUndefined();
    expect(decide(report)).toMatchObject({
      portability: expect.stringMatching(
        /^Yes: (\d+) of \1 checks with the real Claude Code and bedrock passed\.$/,
      ) as string,
    });
    expect(decide(report).descriptions).not.toContain("portability");
    await expectClosed("envoy-terminate", STACK, { cloneDir, dir });
  } finally {
    await rm(dir, { recursive: true });
  }
}, 300_000);

test("back to Anthropic's API: Claude Code works with the stored key, and the providers get nothing more", async () => {
  const bedrock = await ensureBedrock(means.lab);
  const last = await lastRecord(bedrock);
  await configure(
    ["gateway.bedrock", "gateway.provider"],
    { "credential.kind": "apiKey" },
    means.target.apiKey,
  );
  await progress.step("pulumi up to anthropic", () => stack.up());
  for (const { headers } of await twoTurns(means.control)) {
    expect(headerOf(headers, "x-api-key")).toBe(LAB_API_KEY);
  }
  expect(await lastRecord(bedrock)).toBe(last);
});
