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
  configureFederation,
  GATEWAY,
  gatewayPod,
  helperSays,
  type Means,
  registerRule,
  STACK,
  stackWithKey,
} from "./federated-stack.ts";
import { startLongStream } from "./long-stream.ts";

/**
 * A gateway that holds no secret: its pod exchanges the kubelet's real assertions. The tests depend on each other, in order.
 * The stack stays for `walk/federated-renewal.lab.test.ts`, so that other tests run while the first token gets old.
 */
const progress = lineProgress();

const FOUND = /^found the token again, good for \d+ s$/;

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
  // An earlier run on the same lab may have left open gates.
  await means.control.reset();
  stack = await stackWithKey(means, progress);
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
  rule = await registerRule(means);
  since = await lastRecord(means.control);
});

test("from a stored key to a federated credential: `up` loses no request, and the open stream goes on", async () => {
  const sender = await startSender(means.target, stack, AGENT);
  await configureFederation(stack);
  const traffic = await trafficDuring(means.target, means.control, sender, "to-federated", () =>
    stack.up(),
  );
  await stopSender(means.target, sender);
  expect(traffic.requests.lost).toEqual([]);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
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

test("a helper that dies is started again in its container: no request is lost, nothing is exchanged twice", async () => {
  const sender = await startSender(means.target, stack, AGENT);
  const traffic = await trafficDuring(means.target, means.control, sender, "helper", async () => {
    // The only child of the container's shell.
    await inHelper("kill -KILL $(cat /proc/1/task/1/children)");
    await expect
      .poll(helperMessages, { timeout: 30_000 })
      .toEqual([
        "new token, good for 900 s",
        "ended with status 137: starting again",
        expect.stringMatching(FOUND),
      ]);
  });
  await stopSender(means.target, sender);
  expect(traffic.requests.lost).toEqual([]);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
  expect(mintStatus(await gatewayPod(means))).toEqual({ restartCount: 0, ready: true });
  expect(await exchanges()).toHaveLength(1);
}, 120_000);

test("a new container in the same pod finds the token again too", async () => {
  // A second later: the container's end would also end this command, with its status.
  await inHelper("(sleep 1; kill -TERM 1) >/dev/null 2>&1 &");
  await expect
    .poll(async () => mintStatus(await gatewayPod(means)), { timeout: 60_000 })
    .toEqual({ restartCount: 1, ready: true });
  expect(await helperMessages()).toEqual([expect.stringMatching(FOUND)]);
  expect(await exchanges()).toHaveLength(1);
}, 120_000);

async function inHelper(script: string): Promise<string> {
  const { metadata } = await gatewayPod(means);
  const place = ["exec", `--namespace=${GATEWAY}`, metadata.name, "--container=mint"];
  return means.target.kubectl([...place, "--", "sh", "-c", script]);
}

async function helperMessages(): Promise<string[]> {
  return (await helperSays(means)).map(({ message }) => message);
}

function mintStatus({ status }: Awaited<ReturnType<typeof gatewayPod>>) {
  const mint = status.initContainerStatuses.find(({ name }) => name === "mint");
  return { restartCount: mint?.restartCount, ready: mint?.ready };
}

test("neither the token nor the assertion is in the state, in an object, in an environment or in a log", async () => {
  const secretObjects = await means.target.kubectl([
    ...["get", "secrets", `--namespace=${GATEWAY}`, "--output=json"],
  ]);
  const environment = await inHelper("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline");
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
  const files = await inHelper("cat /var/run/tokens/upstream.json /var/run/assertions/upstream");
  expect(leaks({ memory: files }, { ...secrets })).toEqual([
    "assertion in memory",
    "token in memory",
  ]);
});

test("a stream begins, for the test of the renewal", async () => {
  await startLongStream(means);
});
