import { pathLabels } from "../../kubernetes/labels.ts";
import {
  agentPods,
  podsHere,
  policy,
  type PolicySpec,
  tcp,
  wayOut,
} from "../../kubernetes/policy-spec.ts";
import { ports } from "../../kubernetes/ports.ts";
import { budgetLabels } from "../../usage/budget/policy.ts";
import { agentPorts, type Variant } from "../paths/variant.ts";

/**
 * Envoy's policy: agents may call it. Of its path's pods, only Envoy may reach the Internet. With budgets, it may also ask
 * the rate-limit service.
 */
export function envoyPolicy(
  variant: Variant,
  agentNamespaces: Readonly<Record<string, string>>,
  { budgets = false }: { readonly budgets?: boolean } = {},
): PolicySpec {
  const litellm = podsHere(pathLabels("litellm", variant.name));
  return policy(pathLabels("gateway", variant.name), {
    ingress: [
      { peers: [agentPods(agentNamespaces)], ports: tcp(...agentPorts(variant)) },
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
    ],
  });
}
