import { labelKeys } from "../../kubernetes/labels.ts";
import { agentPods, policy, type PolicySpec, tcp } from "../../kubernetes/policy-spec.ts";
import { probePorts } from "../../kubernetes/ports.ts";

/** The probe's policy. It opens both ports to agents: only the agents' own policy closes `shut`. */
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
