import { labelKeys } from "../../kubernetes/labels.ts";
import { agentPods, policy, type PolicySpec, tcp } from "../../kubernetes/policy-spec.ts";
import { probePorts } from "../../kubernetes/ports.ts";

/** The gate's counterpart. Both ports are open on this side: only the agents' own policy closes `shut`. */
export function probePolicy(agentNamespaces: Readonly<Record<string, string>>): PolicySpec {
  return policy(
    { [labelKeys.role]: "probe" },
    {
      ingress: [
        { peers: [agentPods(agentNamespaces)], ports: tcp(probePorts.open, probePorts.shut) },
      ],
    },
  );
}
