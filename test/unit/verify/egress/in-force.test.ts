import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { PolicySpec } from "../../../../components/kubernetes/policy-spec.ts";
import { type VariantName, variantNames } from "../../../../components/gateway/paths/index.ts";
import { measurePolicies, renderedPolicies } from "../../../verify/egress/in-force.ts";
import type { PolicySettings } from "../../../../stacks/deployment.ts";
import type { Target } from "../../../lab/target.ts";

type Specs = Record<string, PolicySpec>;

const settings: PolicySettings = {
  budgets: true,
  scrapers: [{ namespace: "monitoring" }],
  otlpEndpoint: "http://otel.observability.svc.cluster.local:4318",
};
const place = { stack: "dev", gatewayNamespace: "llm", variant: "hybrid", settings } as const;
const rendered = (role: "gateway" | "agent"): Specs => ({
  ...renderedPolicies(role, place).policies,
});

/** The findings about a cluster with these policies, by namespace. */
async function measured(cluster: { llm?: Specs; "dev-e"?: Specs } = {}) {
  const policies: Record<string, Specs> = {
    llm: rendered("gateway"),
    "dev-e": rendered("agent"),
    ...cluster,
  };
  const kubectl: Target["kubectl"] = ([, what, where = ""]) => {
    const names = Object.keys(policies).map((name) => ({ metadata: { name } }));
    const specs = Object.entries(policies[where.replace("--namespace=", "")] ?? {});
    // As the API server returns them: without empty lists.
    const items = specs.map(([name, { ingress, egress, ...spec }]) => ({
      metadata: { name },
      spec: {
        ...spec,
        ...(ingress.length > 0 && { ingress }),
        ...(egress.length > 0 && { egress }),
      },
    }));
    return Promise.resolve(JSON.stringify({ items: what === "namespaces" ? names : items }));
  };
  const rows = await measurePolicies("dev", place, { kubectl } as Target);
  return Object.fromEntries(rows.map(({ id, status, evidence }) => [id, `${status}: ${evidence}`]));
}

describe("policies in force", () => {
  test("are as rendered in an unchanged cluster", async () => {
    expect(await measured()).toEqual({
      "policies.llm": "pass: 11 policies, all as rendered",
      "policies.dev-e": "pass: 2 policies, all as rendered",
    });
  });

  test("may include those of another path that drains, if they are as rendered", async () => {
    const { "envoy-terminate": draining } = renderedPolicies("gateway", place).drained;
    const policy = draining as PolicySpec;
    const llm = { ...rendered("gateway"), "envoy-terminate": policy };
    expect((await measured({ llm }))["policies.llm"]).toMatch(/^pass: 12/);
    const changed = { ...policy, egress: [...policy.egress, { to: [], ports: [] }] };
    expect((await measured({ llm: { ...llm, "envoy-terminate": changed } }))["policies.llm"]).toBe(
      "fail: envoy-terminate was changed",
    );
  });

  const { agent, ...others } = rendered("agent") as Specs & { agent: PolicySpec };
  const everything = { ...agent, egress: [...agent.egress, { to: [], ports: [] }] };
  const [first, ...rest] = agent.egress;
  test.each([
    ["a rule was added", { ...others, agent: everything }, "agent was changed"],
    [
      "a port was added to a rule",
      {
        ...others,
        agent: {
          ...agent,
          egress: [
            { to: first?.to ?? [], ports: [...(first?.ports ?? []), { protocol: "TCP", port: 1 }] },
            ...rest,
          ],
        },
      },
      "agent was changed",
    ],
    [
      "it no longer selects its pods",
      { ...others, agent: { ...agent, podSelector: { matchLabels: { a: "b" } } } },
      "agent was changed",
    ],
    ["there is another policy", { ...others, agent, extra: agent }, "extra is not the stack's"],
    ["one is gone", others, "agent is missing"],
  ] as [string, Specs, string][])("are reported if %s", async (_, policies, evidence) => {
    expect(await measured({ "dev-e": policies })).toEqual({
      "policies.llm": "pass: 11 policies, all as rendered",
      "policies.dev-e": `fail: ${evidence}`,
    });
  });
});

const golden: readonly (readonly [graph: string, VariantName])[] = [
  ...variantNames.map((variant) => [`gateway-${variant}`, variant] as const),
  ["gateway-envoy-budgets", "envoy-terminate"],
  ["gateway-telemetry", "envoy-terminate"],
];

test.each(golden)("the policies of %s are those that are rendered", async (graph, variant) => {
  const file = new URL(`../../../golden/graphs/${graph}.json`, import.meta.url);
  const { resources, outputs } = JSON.parse(await readFile(file, "utf8")) as {
    outputs: { policySettings: PolicySettings };
    resources: {
      type: string;
      inputs: { metadata: { name: string; namespace: string }; spec: PolicySpec };
    }[];
  };
  const made = resources
    .filter(({ type }) => type.endsWith(":NetworkPolicy"))
    .map(({ inputs }) => inputs.metadata);
  const agents = made.filter(({ namespace }) => namespace === "dev-e").map(({ name }) => name);
  const gateways = made.map(({ namespace }) => namespace).filter((name) => !/^dev-/.test(name));
  const gateway = made.filter(({ namespace }) => namespace === gateways[0]).map(({ name }) => name);
  const { policySettings } = outputs;
  const wanted = (role: "gateway" | "agent") =>
    Object.keys(renderedPolicies(role, { ...place, variant, settings: policySettings }).policies);
  expect(agents.sort()).toEqual(wanted("agent").sort());
  expect(gateway.sort()).toEqual(wanted("gateway").sort());
});
