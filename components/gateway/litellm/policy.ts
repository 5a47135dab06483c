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
import { agentPorts, type Variant } from "../paths/variant.ts";

/**
 * LiteLLM's policy. Where agents call LiteLLM, it may reach the Internet. Behind Envoy it may reach only Envoy, and no
 * DNS.
 */
export function liteLlmPolicy(
  variant: Variant,
  agentNamespaces: Readonly<Record<string, string>>,
): PolicySpec {
  if (variant.litellm === "called-by-agents") {
    return policy(pathLabels("gateway", variant.name), {
      ingress: [{ peers: [agentPods(agentNamespaces)], ports: tcp(...agentPorts(variant)) }],
      egress: wayOut(),
    });
  }
  const envoy = podsHere(pathLabels("gateway", variant.name));
  return policy(pathLabels("litellm", variant.name), {
    ingress: [{ peers: [envoy], ports: tcp(ports.litellm) }],
    egress: [{ peers: [envoy], ports: tcp(ports.egress) }],
  });
}
