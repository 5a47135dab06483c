import { variants } from "../gateway/paths/index.ts";
import { agentPorts } from "../gateway/paths/variant.ts";
import { labelKeys } from "../kubernetes/labels.ts";
import { bothProtocols, podsIn, policy, type PolicySpec, tcp } from "../kubernetes/policy-spec.ts";
import { DNS_PORT, probePorts } from "../kubernetes/ports.ts";

/** Agents: to the gateway's pods, their DNS and the gate's open port; nothing comes in. */
export function agentPolicy(gatewayNamespace: string): PolicySpec {
  return policy(
    { [labelKeys.role]: "agent" },
    {
      egress: [
        // The ports of every path, so that a toggle finds its way open; the paths' own policies close the others.
        {
          peers: [podsIn(gatewayNamespace, "gateway")],
          ports: tcp(...new Set(variants.flatMap(agentPorts))),
        },
        { peers: [podsIn(gatewayNamespace, "dns")], ports: bothProtocols(DNS_PORT) },
        { peers: [podsIn(gatewayNamespace, "probe")], ports: tcp(probePorts.open) },
      ],
    },
  );
}
