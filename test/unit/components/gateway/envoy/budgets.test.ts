import { describe, expect, test } from "vitest";
import type { EnvoyConfigArgs } from "../../../../../components/gateway/envoy/args.ts";
import type { BudgetsArgs } from "../../../../../components/gateway/envoy/budgets.ts";
import {
  renderEnvoyConfig,
  renderEnvoySecrets,
} from "../../../../../components/gateway/envoy/render.ts";
import { envoyTerminate } from "../../../../../components/gateway/paths/envoy-terminate.ts";
import { hybrid } from "../../../../../components/gateway/paths/hybrid.ts";
import { shim } from "../../../../../components/gateway/paths/shim.ts";
import type { BudgetLimits } from "../../../../../components/usage/budget/limits.ts";

const budgets: BudgetsArgs = {
  host: "ratelimit.llm.svc.cluster.local",
  limits: {
    all: { usdPerDay: 20 },
    agents: { "dev-e": { usdPerDay: 5, usdPer30Days: 60.5 }, "dev-f": { usdPerDay: 0.00125 } },
  },
  onFailure: "refuse",
};
const terminate: EnvoyConfigArgs = { variant: envoyTerminate, credentialKind: "apiKey" };
const secrets = {
  agents: [{ name: "dev-e", tokens: ["planted-token-of-dev-e"] }],
  credential: "planted-credential",
  litellm: { token: "planted-internal-token", placeholder: "sk-ant-placeholder-planted" },
};

interface Route {
  readonly match: { readonly path?: string };
  readonly typed_per_filter_config?: Record<string, { readonly rate_limits: unknown[] }>;
}

function virtualHost(args: EnvoyConfigArgs) {
  const { "routes.json": text = "" } = renderEnvoySecrets(args, secrets);
  const { resources } = JSON.parse(text) as {
    resources: {
      virtual_hosts: { metadata: { filter_metadata: { budget?: unknown } }; routes: Route[] }[];
    }[];
  };
  const [host] = resources[0]?.virtual_hosts ?? [];
  if (host === undefined) throw new Error("no virtual host");
  return host;
}

function filters(args: EnvoyConfigArgs): string[] {
  const { "listeners.json": text = "" } = renderEnvoyConfig(args);
  const { resources } = JSON.parse(text) as {
    resources: {
      name: string;
      filter_chains: { filters: { typed_config: { http_filters?: { name: string }[] } }[] }[];
    }[];
  };
  return resources.flatMap(({ filter_chains: [chain] }) =>
    (chain?.filters[0]?.typed_config.http_filters ?? []).map(({ name }) => name),
  );
}

const litellmHost = "litellm.llm.svc.cluster.local";

test.each<EnvoyConfigArgs>([
  terminate,
  { ...terminate, variant: shim, litellmHost },
  { ...terminate, variant: hybrid, litellmHost, allowHosts: ["github.com"] },
])(
  "on $variant.name the check follows the look-up of the agent, and is asked only with budgets",
  (args) => {
    const names = filters({ ...args, budgets });
    expect(names.slice(0, 6)).toEqual([
      ...["agent", "agent-requests", "envoy.filters.http.fault"],
      ...["meter", "budget", "envoy.filters.http.ratelimit"],
    ]);
    expect(names.filter((name) => name === "envoy.filters.http.ratelimit")).toHaveLength(1);
    expect(filters(args)).toEqual(names.filter((_, index) => index !== 4 && index !== 5));

    const without = JSON.stringify([
      renderEnvoyConfig(args)["clusters.json"],
      renderEnvoySecrets(args, secrets),
    ]);
    expect(without).not.toMatch(/ratelimit|budget/);
  },
);

test("a change of the limits changes only the routes, which Envoy applies without a drain", () => {
  const limits: BudgetLimits = { all: {}, agents: { "dev-g": { usdPer30Days: 1 } } };
  const other = { ...terminate, budgets: { ...budgets, limits } };
  const present = { ...terminate, budgets };
  expect(renderEnvoyConfig(other)).toEqual(renderEnvoyConfig(present));
  expect(virtualHost(other)).not.toEqual(virtualHost(present));
});

test("the virtual host has the limits in charge units, and the amounts for messages", () => {
  expect(virtualHost({ ...terminate, budgets }).metadata.filter_metadata.budget).toEqual({
    all: { day: { limit: 1_999_999, amount: "20.00 USD a day" } },
    "dev-e": {
      day: { limit: 499_999, amount: "5.00 USD a day" },
      "30days": { limit: 6_049_999, amount: "60.50 USD in 30 days" },
    },
    "dev-f": { day: { limit: 124, amount: "0.00125 USD a day" } },
  });
});

describe("the routes", () => {
  const { routes } = virtualHost({ ...terminate, routes: ["models"], budgets });
  const checked = routes.filter((route) => route.typed_per_filter_config !== undefined);

  test("check a budget only for messages", () => {
    expect(checked.map(({ match }) => match.path)).toEqual(["/anthropic/v1/messages"]);
  });

  test("ask before the request, the longest window last, and charge after it", () => {
    const [route] = checked;
    const window = (name: string) => ({
      generic_key: { descriptor_key: "window", descriptor_value: name },
    });
    const own = (name: string) => ({
      metadata: {
        descriptor_key: "agent",
        metadata_key: { key: "budget", path: [{ key: name }] },
        source: "DYNAMIC",
      },
    });
    const all = { generic_key: { descriptor_key: "agent", descriptor_value: "all" } };
    const actions = [
      [window("day"), own("day")],
      [window("day"), all],
      [window("30days"), own("30days")],
    ];
    expect(route?.typed_per_filter_config?.["envoy.filters.http.ratelimit"]?.rate_limits).toEqual([
      ...actions.map((actions) => ({ actions, hits_addend: { number: 0 } })),
      ...actions.map((actions) => ({
        actions,
        hits_addend: { format: "%DYNAMIC_METADATA(meter:charge)%" },
        apply_on_stream_done: true,
      })),
    ]);
  });
});

test.each([
  ["refuse", true],
  ["allow", false],
] as const)("%s: failure_mode_deny is %s", (onFailure, deny) => {
  const { "listeners.json": text } = renderEnvoyConfig({
    ...terminate,
    budgets: { ...budgets, onFailure },
  });
  expect(text).toContain(`"failure_mode_deny": ${deny}`);
});
