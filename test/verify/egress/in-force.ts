import { isDeepStrictEqual } from "node:util";
import { agentPolicy } from "../../../components/agents/policy.ts";
import { dnsPolicy } from "../../../components/egress/dns/policy.ts";
import { probePolicy } from "../../../components/egress/gate/policy.ts";
import { envoyPolicy } from "../../../components/gateway/envoy/policy.ts";
import { liteLlmPolicy } from "../../../components/gateway/litellm/policy.ts";
import {
  deployables,
  type VariantName,
  variantNamed,
} from "../../../components/gateway/paths/index.ts";
import { onProvider, type Variant } from "../../../components/gateway/paths/variant.ts";
import { DEFAULT_PROVIDER, providerNamed } from "../../../components/gateway/providers/index.ts";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import { defaultDeny, type PolicySpec } from "../../../components/kubernetes/policy-spec.ts";
import { ratelimitPolicy, valkeyPolicy } from "../../../components/usage/budget/policy.ts";
import { recordPolicy } from "../../../components/usage/record/policy.ts";
import { collectorOf } from "../../../components/usage/telemetry/collector.ts";
import { scrapePolicy } from "../../../components/usage/telemetry/policy.ts";
import type { PolicySettings } from "../../../stacks/deployment.ts";
import type { Target } from "../../lab/target.ts";
import type { Surroundings } from "./attempt.ts";
import type { AttemptResult } from "./report.ts";

/** The settings of a stack without budgets and telemetry. */
export const NO_SETTINGS: PolicySettings = { budgets: false, scrapers: [] };

type Policies = Readonly<Record<string, PolicySpec>>;

/** The policies that a stack renders for one of its namespaces, by name. */
interface Rendered {
  /** Must exist. */
  readonly policies: Policies;
  /** May exist too: a path that drains keeps its policies until its last pod is gone. */
  readonly drained: Policies;
}

/** The policies of the gateway's namespace or of an agent's namespace. */
export function renderedPolicies(
  role: "gateway" | "agent",
  args: {
    readonly stack: string;
    readonly gatewayNamespace: string;
    readonly variant: VariantName;
    readonly settings: PolicySettings;
  },
): Rendered {
  const {
    allow = [],
    budgets,
    scrapers,
    otlpEndpoint,
    provider = DEFAULT_PROVIDER,
  } = args.settings;
  const otlp = otlpEndpoint === undefined ? undefined : collectorOf(otlpEndpoint);
  const deny = { "default-deny": defaultDeny() };
  if (role === "agent") {
    const agent = agentPolicy(args.gatewayNamespace, { otlp: otlp !== undefined });
    return { policies: { ...deny, agent }, drained: {} };
  }
  const agentNamespaces = { [labelKeys.stack]: args.stack, [labelKeys.role]: "agent" };
  const ofPath = (variant: Variant): Policies => {
    const litellm = liteLlmPolicy(variant, agentNamespaces);
    const envoy = envoyPolicy(variant, agentNamespaces, { allow, budgets, otlp });
    switch (variant.litellm) {
      case "called-by-agents":
        return { [variant.name]: litellm };
      case "behind-envoy":
        return { [variant.name]: envoy, [`${variant.name}-litellm`]: litellm };
      default:
        return { [variant.name]: envoy };
    }
  };
  return {
    policies: {
      ...deny,
      ...ofPath(onProvider(variantNamed(args.variant), providerNamed(provider), {})),
      "egress-dns": dnsPolicy(agentNamespaces),
      "egress-probe": probePolicy(agentNamespaces),
      usage: recordPolicy(),
      ...(budgets && { ratelimit: ratelimitPolicy(), valkey: valkeyPolicy() }),
      ...(scrapers.length > 0 && {
        "scrape-gateway": scrapePolicy("gateway", scrapers),
        "scrape-ratelimit": scrapePolicy("ratelimit", scrapers),
      }),
    },
    drained: Object.assign({}, ...deployables.map(({ deployed }) => ofPath(deployed))) as Policies,
  };
}

/**
 * Compares the policies in every namespace of a stack with what the stack renders. `pulumi up --refresh` does not detect
 * an entry that was added to a list by hand, or an additional policy.
 */
export async function measurePolicies(
  stack: string,
  {
    gatewayNamespace,
    variant,
    settings,
  }: Pick<Surroundings, "gatewayNamespace" | "variant" | "settings">,
  target: Target,
): Promise<AttemptResult[]> {
  const list = async <Item>(...what: readonly string[]) =>
    (JSON.parse(await target.kubectl(["get", ...what, "--output=json"])) as { items: Item[] })
      .items;
  const namespaces = await list<Named>("namespaces", `--selector=${labelKeys.stack}=${stack}`);
  if (!namespaces.some(({ metadata }) => metadata.name === gatewayNamespace)) {
    throw new Error(`${gatewayNamespace} has no label ${labelKeys.stack}=${stack}`);
  }
  return Promise.all(
    namespaces.map(async ({ metadata: { name } }): Promise<AttemptResult> => {
      const found = await list<Policy>("networkpolicies", `--namespace=${name}`);
      const role = name === gatewayNamespace ? "gateway" : "agent";
      const rendered = renderedPolicies(role, { stack, gatewayNamespace, variant, settings });
      const wrong = differences(rendered, found);
      return {
        ...{ id: `policies.${name}`, title: `a policy in ${name} that the stack did not create` },
        ...{ expected: "blocked", rings: ["policy"] },
        status: wrong.length === 0 ? "pass" : "fail",
        evidence:
          wrong.length === 0 ? `${found.length} policies, all as rendered` : wrong.join(", "),
      };
    }),
  );
}

interface Named {
  readonly metadata: { readonly name: string };
}

interface Policy extends Named {
  readonly spec: PolicySpec;
}

function differences({ policies, drained }: Rendered, found: readonly Policy[]): string[] {
  const names = found.map(({ metadata }) => metadata.name);
  return [
    ...Object.keys(policies)
      .filter((name) => !names.includes(name))
      .map((name) => `${name} is missing`),
    ...found.flatMap(({ metadata: { name }, spec }) => {
      const wanted = policies[name] ?? drained[name];
      if (wanted === undefined) return [`${name} is not the stack's`];
      return isDeepStrictEqual(plain(spec), plain(wanted)) ? [] : [`${name} was changed`];
    }),
  ];
}

/** A policy as the API server returns it: without empty lists. */
function plain(spec: PolicySpec): unknown {
  return JSON.parse(
    JSON.stringify(spec, (_, value: unknown) =>
      Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  );
}
