import { decodeJwt } from "jose";
import { beforeAll, expect, test } from "vitest";
import { runTurn } from "../../lab/claude.ts";
import { openLab } from "../../lab/cluster/index.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { labTarget } from "../../lab/target.ts";
import type { FederationRule } from "../../lab/tokens/anthropic.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import { headerOf, lastRecord } from "../../verify/conformance/checks/relay.ts";
import { leaks, namespaceSurfaces } from "../walk/spike-secrets.ts";
import { startSender, stopSender } from "../walk/sender.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "../walk/traffic.ts";
import {
  AGENT,
  federatedStack,
  GATEWAY,
  gatewayPod,
  helperSays,
  type Means,
  registerRule,
  STACK,
} from "./federated-stack.ts";
import { startLongStream } from "./long-stream.ts";

/**
 * A gateway that holds no secret: its pod exchanges the kubelet's real assertions. The tests depend on each other, in order.
 * The stack stays for `walk/federated-renewal.lab.test.ts`, so that other tests run while the first token gets old.
 */
const progress = lineProgress();

let means: Means;
let stack: Stack;
let rule: FederationRule;
let since: number;
/** The signature of the first assertion, and the first token. */
let secrets: { readonly assertion: string; readonly token: string };

beforeAll(async () => {
  const lab = openLab();
  const target = await labTarget(lab, progress);
  means = { lab, target, control: await ensureUpstream(lab) };
  stack = await federatedStack(means, progress);
  rule = await registerRule(means);
  since = await lastRecord(means.control);
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
});

async function exchanges() {
  const records = await means.control.records(since);
  return records.filter(({ url }) => url === "/v1/oauth/token");
}

test("what npm run federation prints is what the pod's assertion says, and one exchange makes a token", async () => {
  const [exchange, ...more] = await exchanges();
  expect(more).toEqual([]);
  expect(exchange?.response?.status).toBe(200);
  const id = exchange?.id ?? 0;
  const asked = JSON.parse((await means.control.requestBody(id)).toString()) as Record<
    string,
    string
  >;
  expect(asked).toMatchObject({
    federation_rule_id: rule.id,
    organization_id: rule.organization,
    service_account_id: rule.serviceAccount,
  });
  const { iss, sub, aud, iat = 0, exp = 0 } = decodeJwt(asked.assertion ?? "");
  expect({ iss, sub, aud }).toEqual({
    iss: rule.issuer,
    sub: `system:serviceaccount:${GATEWAY}:claude-gateway`,
    aud: ["https://api.anthropic.com"],
  });
  expect([rule.subject, rule.audience]).toEqual([sub, aud?.[0]]);
  expect(exp - iat).toBe(600);
  const answered = JSON.parse((await means.control.responseBody(id)).toString()) as {
    access_token: string;
  };
  secrets = { assertion: asked.assertion?.split(".")[2] ?? "", token: answered.access_token };
});

test("a turn of Claude Code reaches the API with the token alone", async () => {
  const before = await lastRecord(means.control);
  const turn = await runTurn(means.target, { namespace: AGENT, prompt: "say: no key anywhere" });
  expect(turn).toMatchObject({ is_error: false, result: "no key anywhere" });
  const requests = (await means.control.records(before)).filter(({ url }) =>
    url.startsWith("/v1/messages"),
  );
  expect(requests.length).toBeGreaterThan(0);
  for (const { headers } of requests) {
    expect(headerOf(headers, "authorization")).toBe(`Bearer ${secrets.token}`);
    expect(headerOf(headers, "x-api-key")).toBeUndefined();
    expect(headerOf(headers, "anthropic-beta")?.split(",")).toContain("oauth-2025-04-20");
  }
});

test("a killed helper finds its token again: nothing is exchanged twice, and no request is lost", async () => {
  const { metadata } = await gatewayPod(means);
  const sender = await startSender(means.target, stack, AGENT);
  const traffic = await trafficDuring(means.target, means.control, sender, "helper", async () => {
    // The shell of the container ends, and with it the container.
    const shell = ["exec", `--namespace=${GATEWAY}`, metadata.name, "--container=mint", "--"];
    await means.target.kubectl([...shell, "sh", "-c", "kill -TERM 1"]);
    await expect
      .poll(async () => mintStatus(await gatewayPod(means)), { timeout: 60_000 })
      .toEqual({ name: metadata.name, restartCount: 1, ready: true });
  });
  await stopSender(means.target, sender);
  expect(traffic.requests.lost).toEqual([]);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
  expect((await helperSays(means)).map(({ message }) => message)).toEqual([
    expect.stringMatching(/^found the token again, good for \d+ s$/),
  ]);
  expect(await exchanges()).toHaveLength(1);
}, 120_000);

function mintStatus({ metadata, status }: Awaited<ReturnType<typeof gatewayPod>>) {
  const { restartCount, ready } =
    status.initContainerStatuses.find(({ name }) => name === "mint") ?? {};
  return { name: metadata.name, restartCount, ready };
}

test("neither the token nor the assertion is in the state, in an object, in an environment or in a log", async () => {
  const secretObjects = await means.target.kubectl([
    ...["get", "secrets", `--namespace=${GATEWAY}`, "--output=json"],
  ]);
  const pod = (await gatewayPod(means)).metadata.name;
  const environment = await means.target.kubectl([
    ...["exec", `--namespace=${GATEWAY}`, pod, "--container=mint", "--", "sh", "-c"],
    "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline",
  ]);
  const surfaces = {
    "the state": await stack.export(),
    Secrets: secretObjects,
    "the helper's environment": environment,
    ...(await namespaceSurfaces(means.target, GATEWAY)),
    ...(await namespaceSurfaces(means.target, AGENT)),
  };
  expect(Object.keys(surfaces).length).toBeGreaterThan(20);
  expect(leaks(surfaces, { ...secrets })).toEqual([]);
  // The search finds them where they are.
  const files = await means.target.kubectl([
    ...["exec", `--namespace=${GATEWAY}`, pod, "--container=mint", "--", "sh", "-c"],
    "cat /var/run/tokens/upstream.json /var/run/assertions/upstream",
  ]);
  expect(leaks({ memory: files }, { ...secrets })).toEqual([
    "assertion in memory",
    "token in memory",
  ]);
});

test("a stream begins, for the test of the renewal", async () => {
  await startLongStream(means);
});
