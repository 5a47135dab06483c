import { afterEach, expect, test } from "vitest";
import { ANTHROPIC_AUDIENCE } from "../../components/gateway/mint/config.ts";
import { Federated, SUBJECT } from "./mint-federated.ts";

const REST = "agents get status 503 until there is a token";

let pod: Federated;

async function prepare(...args: Parameters<typeof Federated.prepare>): Promise<void> {
  pod = await Federated.prepare(...args);
}

afterEach(() => pod.stopAndSearch());

test.each([
  {
    refused: "an unknown rule",
    ids: { federationRule: "fdrl_01other" },
    event: "rule_not_found",
  },
  {
    refused: "another subject",
    rule: { subject: "system:serviceaccount:other:claude-gateway" },
    event: 'unexpected "sub" claim value',
  },
  {
    refused: "a workspace that the rule is not enabled for",
    ids: { workspace: "wrkspc_01other" },
    event: "workspace_not_enabled",
  },
])(
  "$refused is refused with what to compare, and not asked again",
  async ({ rule, ids, event }) => {
    await prepare(rule, {}, ids);
    await pod.assert();
    await pod.mint.start();
    expect(await pod.mint.says("no new token")).toBe(
      `no new token: ${pod.server.host} refused (401 authentication_error: Authentication failed); the federation rule must match issuer ${pod.issuer.issuer}, ` +
        `subject ${SUBJECT}, audience ${ANTHROPIC_AUDIENCE} and key key-1: npm run federation prints what to register, and the Claude Console's ` +
        `authentication events say which of them differs; ${REST}`,
    );
    expect(pod.endpoint.events).toEqual([event]);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(pod.uses()).toEqual([1]);
    const { ready, problem } = await pod.mint.readiness();
    expect({ ready, problem: problem?.slice(0, 60) }).toEqual({
      ready: false,
      problem: `${pod.server.host} refused (401 authentication_error: Authentication failed)`.slice(
        0,
        60,
      ),
    });
    // Envoy has a file, so that it starts and answers itself.
    expect(await pod.mint.token()).toBe("");
  },
);

test("a malformed identifier is refused with the settings to check", async () => {
  await prepare({}, {}, { organization: "acme" });
  await pod.assert();
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: ${pod.server.host} refused (400 invalid_request_error: organization_id: invalid id); check credential.federationRule, ` +
      `credential.organization, credential.serviceAccount and credential.workspace, which a rule for several workspaces needs; ${REST}`,
  );
});

test("status 403 names the service account and the workspace", async () => {
  await prepare();
  await pod.assert();
  pod.server.fail({
    answer: { status: 403, body: { error: { type: "permission_error", message: "No" } } },
  });
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: ${pod.server.host} refused (403 permission_error: No); check credential.serviceAccount and credential.workspace: ` +
      `the service account must be a member of the workspace; ${REST}`,
  );
});

test("refusals are further and further apart, even if every one has a new assertion", async () => {
  await prepare({ subject: "system:serviceaccount:other:claude-gateway" });
  await pod.mint.start();
  const end = Date.now() + 9000;
  while (Date.now() < end) {
    await pod.assert();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // After 1, 2 and 4 s. The first wait was for the file.
  expect(pod.server.received.length).toBeGreaterThan(1);
  expect(pod.server.received.length).toBeLessThan(5);
});

test("a new signing key of the cluster is named, and works once it is registered", async () => {
  const keys: never[] = [];
  await prepare({ keys });
  keys.push(...(pod.issuer.keys as never[]));
  await pod.assert();
  await pod.mint.start();
  const first = await pod.mint.nextToken();
  await pod.issuer.renewKey();
  await pod.assert();
  expect(await pod.mint.says("no new token")).toMatch(
    /; the cluster signs with a new key \(key-2\): register its keys again, npm run federation prints them; the token in use is good for [0-2] s$/,
  );
  keys.push(...(pod.issuer.keys.slice(1) as never[]));
  await pod.assert();
  await pod.mint.nextToken(first);
});

test.each([
  {
    clock: "ahead",
    clockSeconds: 1200,
    expected: [
      /the assertion ended 60\d s ago by this node's clock: the clock is ahead, or the kubelet renews no tokens/,
      /this node's clock is 120\d s ahead of the endpoint's: set it/,
    ],
  },
  {
    clock: "behind",
    clockSeconds: -1200,
    expected: [
      /the assertion is valid only 1[12]\d\d s from now by this node's clock: the clock is behind, set it/,
      /this node's clock is 1(19\d|20\d) s behind the endpoint's: set it/,
    ],
  },
])("a clock that is $clock is mentioned with a refusal, and stops no exchange", async (each) => {
  await prepare();
  await pod.assert();
  await pod.mint.start({ clockSeconds: each.clockSeconds });
  const token = await pod.mint.nextToken();
  expect(await pod.mint.says("clock is")).toMatch(each.expected[1] as RegExp);
  pod.server.fail({
    answer: { status: 401, body: { error: { type: "authentication_error", message: "No" } } },
  });
  await pod.assert();
  const message = await pod.mint.says("no new token");
  for (const part of each.expected) expect(message).toMatch(part);
  expect(await pod.mint.token()).toBe(token);
});

test("assertions whose times the endpoint does not take are mentioned", async () => {
  await prepare();
  await pod.assert({ fromSeconds: 300, untilSeconds: 900 });
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toMatch(
    /; the assertion is valid only (299|300) s from now by this node's clock: the clock is behind, set it; agents/,
  );
  await pod.assert({ fromSeconds: -900, untilSeconds: -300 });
  expect(await pod.mint.says("the assertion ended")).toMatch(
    /; the assertion ended 30\d s ago by this node's clock: the clock is ahead, or the kubelet renews no tokens; agents/,
  );
});

test("a rule whose tokens are too short is refused with the fix", async () => {
  await prepare({ lifetimeSeconds: 600 }, { minLifetimeSeconds: 900 });
  await pod.assert();
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: the federation rule makes tokens for 600 s, and they are renewed less often: set the rule's token lifetime to 900 s or more in the Claude Console; ${REST}`,
  );
  expect(await pod.mint.token()).toBe("");
});

test("a token that is short because the assertion was old is used", async () => {
  await prepare({ lifetimeSeconds: 3600 }, { minLifetimeSeconds: 900 });
  await pod.assert({ fromSeconds: -400, untilSeconds: 200 });
  await pod.mint.start();
  expect(await pod.mint.says("new token")).toMatch(/^new token, good for (39\d|400) s$/);
});
