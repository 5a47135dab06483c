import { labelKeys } from "../../kubernetes/labels.ts";
import { agentPods, bothProtocols, policy, type PolicySpec } from "../../kubernetes/policy-spec.ts";
import { DNS_PORT } from "../../kubernetes/ports.ts";

/** The policy of the agents' DNS: agents may query it, and it may reach nothing. */
export function dnsPolicy(agentNamespaces: Readonly<Record<string, string>>): PolicySpec {
  return policy(
    { [labelKeys.role]: "dns" },
    { ingress: [{ peers: [agentPods(agentNamespaces)], ports: bothProtocols(DNS_PORT) }] },
  );
}
