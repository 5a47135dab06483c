import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../../stacks/config.ts";
import { KEY, OAUTH, gateway, parse, refusal, rejects, spike } from "./stack.ts";

describe("a complete configuration", () => {
  test("gets every default of a gateway stack", () => {
    expect(parse(gateway)).toEqual({
      kind: "gateway",
      gateway: {
        path: "litellm",
        provider: "anthropic",
        namespace: "claude-gateway",
        drainSeconds: 900,
      },
      credential: { kind: "apiKey", holder: "gateway", value: KEY },
      agents: [{ name: "dev-e", tokenGeneration: 1 }],
      egress: { allow: [], inspect: [] },
      prices: {},
      telemetry: { scrape: { from: [] } },
      images: {},
      cluster: { kubeconfig: "/k" },
    });
  });

  test("gets every default of a spike", () => {
    expect(parse(spike)).toMatchObject({
      kind: "spike",
      gateway: { path: "litellm", drainSeconds: 900 },
      spike: { ttl: "24h" },
    });
  });

  test("may contain other projects' keys", () => {
    const entries = { "gcp:project": "p", "claude-gateway:kind": "nonsense" };
    expect(() => parseConfig("dev", entries)).toThrow(/^Stack "dev" has 1 mistake/);
  });
});

rejects([
  [
    "no kind",
    { kind: undefined },
    "  kind is not one of host, gateway, spike: pulumi config set --path kind host|gateway|spike",
  ],
  ["unknown kind", { kind: "gate" }, /^ {2}kind = "gate" is not one of host, gateway, spike/],
  [
    "unknown section",
    { gatway: {} },
    "  gatway is not a key of this configuration; remove it: pulumi config rm --path 'gatway'",
  ],
  [
    "unknown key",
    { gateway: { path: "litellm", port: 1 } },
    "  gateway.port = 1 is not a key of this configuration; remove it: pulumi config rm --path 'gateway.port'",
  ],
  [
    "a section as text",
    { gateway: "litellm" },
    '  gateway = "litellm" is not an object: set each value in it by its path: pulumi config set --path gateway.<key> <value>',
  ],
  ["no cluster", { cluster: undefined }, /^ {2}cluster is missing, and so is host/],
  [
    "two clusters",
    { host: { stack: "host" } },
    /^ {2}cluster and host are both set: keep only one/,
  ],
  [
    "a bad host stack",
    { cluster: undefined, host: { stack: "a/b/c/d" } },
    /^ {2}host\.stack = "a\/b\/c\/d" is not a stack name/,
  ],
]);

test("all mistakes are reported at once", () => {
  const lines = refusal({
    kind: "gateway",
    gateway: { path: "litellm", drainSeconds: "x", typo: true },
    agents: [{ name: "A" }],
    egress: { allow: ["1.1.1.1", "*.x.org"] },
    images: { litellm: "litellm:latest" },
    credential: { kind: "apiKey", value: OAUTH },
  });
  expect(
    lines.filter((line) => /^ {2}\S/.test(line)).map((line) => line.trim().split(" ")[0]),
  ).toEqual([
    "gateway.drainSeconds",
    "gateway.typo",
    "agents[0].name",
    "egress.allow[0]",
    "egress.allow[1]",
    "cluster",
    "credential.kind",
    "images.litellm",
  ]);
});

test("no message shows a secret, wherever it is in the configuration", () => {
  const everywhere = [
    { credential: { kind: KEY, value: KEY, holder: KEY, extra: KEY } },
    { gateway: { path: KEY } },
    { images: { node: `${KEY} ${KEY}` } },
    { agents: [{ name: KEY.toUpperCase() }, { name: `${KEY}_` }] },
    { [`x`]: KEY },
  ];
  for (const change of everywhere) {
    expect(
      refusal({ ...gateway, ...change })
        .join("\n")
        .toLowerCase(),
    ).not.toContain("not-a-real");
  }
});

test("no message shows the password of a registry", () => {
  const lines = refusal({
    kind: "host",
    gcp: undefined,
    host: { pullCredentials: [{ registry: "ghcr.io", username: "u", password: 123456 }] },
  }).join("\n");
  expect(lines).toContain("host.pullCredentials[0].password is not a string");
  expect(lines).not.toContain("123456");
});
