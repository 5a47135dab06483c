import { afterEach, expect, test } from "vitest";
import { ANTHROPIC_AUDIENCE } from "../../components/gateway/mint/config.ts";
import { eventually } from "./envoy.ts";
import { Federated, IDS, SUBJECT } from "./mint-federated.ts";

const REST = "agents get status 503 until there is a token";

let pod: Federated;

async function prepare(...args: Parameters<typeof Federated.prepare>): Promise<void> {
  pod = await Federated.prepare(...args);
}

afterEach(async () => {
  // Whatever happened: nothing that a person may read shows a token or an assertion.
  const secrets = [
    ...pod.endpoint.made.keys(),
    ...pod.server.received.map(({ body }) => (JSON.parse(body) as Sent).assertion),
  ];
  const shown = pod.mint.output + ((await pod.mint.readiness()).problem ?? "");
  await pod.stop();
  for (const secret of secrets) expect(shown).not.toContain(secret.slice(-40));
});

interface Sent {
  readonly assertion: string;
}

/** How often each assertion was sent. */
function uses(): number[] {
  const sent = pod.server.received.map(({ body }) => (JSON.parse(body) as Sent).assertion);
  return [...new Set(sent)].map((assertion) => sent.filter((each) => each === assertion).length);
}

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
  expect(uses()).toEqual([1, 1, 1]);
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
  expect(uses()).toEqual([1]);
  await pod.assert();
  await pod.mint.nextToken(token);
  expect(uses()).toEqual([1, 1]);
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
  expect(uses()).toEqual([1]);
  expect(await pod.mint.token()).toBe("");
  await pod.assert();
  await pod.mint.nextToken();
  expect(uses()).toEqual([1, 1]);
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
  expect(uses()).toEqual([1]);
  await pod.assert();
  await pod.mint.nextToken();
});

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
    expect(uses()).toEqual([1]);
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

test.each([
  {
    name: "text",
    answer: { status: 200, body: "<html>" },
    says: "HOST answered 200 with text that is not JSON",
  },
  {
    name: "a redirect",
    answer: { status: 307, headers: { location: "https://elsewhere.example/" }, body: {} },
    says: "HOST answered with a redirect (307), which is not followed: check the endpoint https://HOST",
  },
  {
    name: "an absurd lifetime",
    answer: {
      status: 200,
      body: { access_token: "sk-ant-oat01-x", token_type: "Bearer", expires_in: -5 },
    },
    says: "HOST answered with a token for -5 s: expected 1 to 86400 s",
  },
  {
    name: "a lifetime of years",
    answer: { status: 200, body: { access_token: "sk-ant-oat01-x", expires_in: 1e9 } },
    says: "HOST answered with a token for 1000000000 s: expected 1 to 86400 s",
  },
  {
    name: "no lifetime",
    answer: { status: 200, body: { access_token: "sk-ant-oat01-x" } },
    says: "HOST answered with a token for undefined s: expected 1 to 86400 s",
  },
  {
    name: "no token",
    answer: { status: 200, body: { expires_in: 3600 } },
    says: "HOST answered without a token that a header can carry",
  },
  {
    name: "a token with a line break",
    answer: { status: 200, body: { access_token: "sk-ant\r\nx: y", expires_in: 3600 } },
    says: "HOST answered without a token that a header can carry",
  },
  {
    name: "another type of token",
    answer: { status: 200, body: { access_token: "x", token_type: "mac", expires_in: 3600 } },
    says: "HOST answered with a token that is not a bearer token",
  },
  {
    name: "more than it should",
    answer: { status: 200, body: "x".repeat(100_000) },
    says: "HOST answered with more than 65536 bytes",
  },
  {
    name: "a secret in its error",
    answer: {
      status: 500,
      body: { error: { type: "api_error", message: `bad ${"e".repeat(60)}` } },
    },
    says: "HOST cannot serve now (500 api_error: bad …)",
  },
])("an endpoint that answers $name gets one clear line", async ({ answer, says }) => {
  await prepare();
  await pod.assert();
  pod.server.fail({ answer });
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: ${says.replaceAll("HOST", pod.server.host)}; ${REST}`,
  );
  expect(await pod.mint.token()).toBe("");
  expect(pod.mint.lines).toHaveLength(1);
});

test("an endpoint whose certificate is another host's gets no assertion", async () => {
  await prepare({}, {}, {}, (url) => url.replace("127.0.0.1", "localhost"));
  await pod.assert();
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toMatch(
    /^no new token: localhost:\d+ cannot be reached \(Hostname\/IP does not match certificate's altnames: .*\); agents/,
  );
  expect(pod.server.received).toEqual([]);
});

test("an endpoint without TLS gets no assertion", async () => {
  await prepare({}, {}, {}, () => "http://tokens.example");
  await pod.assert();
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: the endpoint tokens.example is not https: set one that is; ${REST}`,
  );
});

test.each([
  { name: "missing", text: undefined, says: "cannot be read (ENOENT)" },
  { name: "empty", text: "\n", says: "is empty" },
  { name: "no token", text: "not-a-token", says: "contains no JSON Web Token" },
  { name: "too long", text: "x".repeat(20_000), says: "is longer than 16384 bytes" },
])("an assertion file that is $name is named", async ({ text, says }) => {
  await prepare();
  if (text !== undefined) await pod.mint.assertion(text);
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toMatch(
    new RegExp(
      `^no new token: the assertion file \\S+/upstream ${says.replaceAll(/[()]/g, "\\$&")}; ${REST}$`,
    ),
  );
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
