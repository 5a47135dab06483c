import { afterEach, expect, test } from "vitest";
import { eventually } from "./envoy.ts";
import { Federated, IDS } from "./mint-federated.ts";

const REST = "agents get status 503 until there is a token";

let pod: Federated;

async function prepare(...args: Parameters<typeof Federated.prepare>): Promise<void> {
  pod = await Federated.prepare(...args);
}

afterEach(() => pod.stopAndSearch());

test("a token is made as the documentation says, renewed with each new assertion, and given to Envoy alone", async () => {
  await prepare({}, {}, { workspace: "wrkspc_01test" });
  const assertion = await pod.assert();
  await pod.mint.start();
  const first = await pod.mint.nextToken();
  const [{ method, path, headers, body } = {}] = pod.server.received as [
    (typeof pod.server.received)[number]?,
  ];
  expect({
    method,
    path,
    type: headers?.["content-type"],
    beta: headers?.["anthropic-beta"],
  }).toEqual({
    method: "POST",
    path: "/v1/oauth/token",
    type: "application/json",
    beta: "oauth-2025-04-20,oidc-federation-2026-04-01",
  });
  expect(JSON.parse(body ?? "")).toEqual({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion,
    federation_rule_id: IDS.federationRule,
    organization_id: IDS.organization,
    service_account_id: IDS.serviceAccount,
    workspace_id: "wrkspc_01test",
  });
  expect(await pod.mint.modes()).toEqual({
    "upstream.json": "600",
    state: "700",
    "state/upstream.json": "600",
    "state/upstream.minted": "600",
    "state/upstream.problem": "600",
  });
  await pod.assert();
  const second = await pod.mint.nextToken(first);
  await pod.assert();
  await pod.mint.nextToken(first, second);
  expect(pod.uses()).toEqual([1, 1, 1]);
  expect(pod.mint.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    "info: new token, good for 4 s",
  ]);
});

test("a restart in the same pod finds the token again, and does not send the assertion again", async () => {
  await prepare({ lifetimeSeconds: 8 });
  await pod.assert();
  await pod.mint.start();
  const token = await pod.mint.nextToken();
  await pod.mint.kill();
  await pod.mint.start();
  expect(await pod.mint.says("found the token again")).toMatch(/, good for [567] s$/);
  expect(await pod.mint.token()).toBe(token);
  expect(pod.uses()).toEqual([1]);
  await pod.assert();
  await pod.mint.nextToken(token);
  expect(pod.uses()).toEqual([1, 1]);
  expect(pod.endpoint.events).toEqual([]);
});

test("a new pod makes its token of its own assertion, while the old pod keeps its own", async () => {
  await prepare({ lifetimeSeconds: 60 });
  await pod.assert();
  await pod.mint.start();
  const token = await pod.mint.nextToken();
  const other = await Federated.prepare({ lifetimeSeconds: 60 });
  try {
    await other.assert();
    await other.mint.start();
    await other.mint.nextToken(token);
    expect(await other.mint.readiness()).toMatchObject({ ready: true });
    expect(await pod.mint.token()).toBe(token);
  } finally {
    await other.stop();
  }
});

test("without its endpoint, a token is used to its end, then taken away, and the next one comes by itself", async () => {
  await prepare();
  await pod.assert();
  await pod.mint.start();
  const token = await pod.mint.nextToken();
  pod.server.fail({
    answer: { status: 503, body: { error: { type: "api_error", message: "Down" } } },
  });
  await pod.assert();
  expect(await pod.mint.says("no new token")).toMatch(
    new RegExp(
      `^no new token: ${pod.server.host} cannot serve now \\(503 api_error: Down\\); the token in use is good for [0-2] s$`,
    ),
  );
  expect(await pod.mint.token()).toBe(token);
  await pod.mint.says("the token has ended and there is no other: agents get status 503");
  expect(await pod.mint.token()).toBe("");
  // The pod stays Ready: Envoy answers itself.
  expect(await pod.mint.readiness()).toMatchObject({ ready: true });
  pod.server.mend();
  await pod.mint.nextToken(token);
});

test("an endpoint that cannot be reached is named, and uses up no assertion", async () => {
  await prepare({}, {}, {}, () => "https://127.0.0.1:1");
  await pod.assert();
  await pod.mint.start();
  const problem = "127.0.0.1:1 cannot be reached (connect ECONNREFUSED 127.0.0.1:1)";
  expect(await pod.mint.says("no new token")).toBe(`no new token: ${problem}; ${REST}`);
  expect(await pod.mint.readiness()).toEqual({ ready: false, problem: `${problem}\n` });
  expect(await pod.mint.token()).toBe("");
  const { spent } = await pod.mint.state();
  expect(spent).toBeUndefined();
});

test("a lost answer has used up the assertion: the next one brings the token", async () => {
  await prepare();
  await pod.assert();
  pod.server.fail({ answer: "cut", times: 1 });
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: no answer from ${pod.server.host} (socket hang up); the assertion may be used up: waiting for the next one from the kubelet; ${REST}`,
  );
  // Longer than the first waits after a failure.
  await new Promise((resolve) => setTimeout(resolve, 3500));
  expect(pod.uses()).toEqual([1]);
  expect(await pod.mint.token()).toBe("");
  await pod.assert();
  await pod.mint.nextToken();
  expect(pod.uses()).toEqual([1, 1]);
  expect(pod.endpoint.events).toEqual([]);
});

test("a helper that ends during the exchange does not send the assertion again", async () => {
  await prepare();
  await pod.assert();
  pod.server.fail({ answer: "cut", times: 1 });
  await pod.mint.start();
  await pod.mint.says("no new token");
  await pod.mint.kill();
  await pod.mint.start();
  expect(await pod.mint.says("was used already")).toBe(
    `no new token: the assertion was used already: waiting for the next one from the kubelet; ${REST}`,
  );
  expect(pod.uses()).toEqual([1]);
  await pod.assert();
  await pod.mint.nextToken();
});

test("the readiness probe has nothing to complain about once a token was made", async () => {
  await prepare();
  await pod.mint.start();
  await eventually(
    () => pod.mint.readiness(),
    ({ problem }) => problem?.includes("cannot be read") === true,
  );
  expect((await pod.mint.readiness()).ready).toBe(false);
  await pod.assert();
  await pod.mint.nextToken();
  await eventually(
    () => pod.mint.readiness(),
    ({ ready }) => ready,
  );
});
