import { pathLabels } from "../../kubernetes/labels.ts";
import {
  agentPods,
  podsHere,
  podsOf,
  policy,
  type PolicySpec,
  tcp,
  wayOut,
} from "../../kubernetes/policy-spec.ts";
import { ports } from "../../kubernetes/ports.ts";
import { budgetLabels } from "../../usage/budget/policy.ts";
import type { Collector } from "../../usage/telemetry/collector.ts";
import { agentPorts, listenersWith, type Variant } from "../paths/variant.ts";

/**
 * Envoy's policy: agents may call it, with hosts in `allow` also by TLS. Of its path's pods, only Envoy may reach the
 * Internet. With budgets, it may also ask the rate-limit service. With an OTLP receiver, agents may also send telemetry,
 * and Envoy may reach a receiver in the cluster on its port; one outside is on the Internet.
 */
export function envoyPolicy(
  variant: Variant,
  agentNamespaces: Readonly<Record<string, string>>,
  {
    allow = [],
    budgets = false,
    otlp,
  }: {
    readonly allow?: readonly string[];
    readonly budgets?: boolean;
    readonly otlp?: Collector | undefined;
  } = {},
): PolicySpec {
  const litellm = podsHere(pathLabels("litellm", variant.name));
  return policy(pathLabels("gateway", variant.name), {
    ingress: [
      {
        peers: [agentPods(agentNamespaces)],
        ports: tcp(
          ...agentPorts(variant, listenersWith(variant, allow)),
          ...(otlp ? [ports.otlp] : []),
        ),
      },
      ...(variant.listeners.includes("egress")
        ? [{ peers: [litellm], ports: tcp(ports.egress) }]
        : []),
    ],
    egress: [
      ...wayOut(),
      ...(variant.litellm === "behind-envoy"
        ? [{ peers: [litellm], ports: tcp(ports.litellm) }]
        : []),
      ...(budgets
        ? [{ peers: [podsHere(budgetLabels("ratelimit"))], ports: tcp(ports.ratelimit) }]
        : []),
      ...(otlp?.namespace === undefined
        ? []
        : [{ peers: [podsOf(otlp.namespace)], ports: tcp(otlp.port) }]),
    ],
  });
}
