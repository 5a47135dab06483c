import { variants } from "../gateway/paths/index.ts";
import { agentPorts } from "../gateway/paths/variant.ts";
import { labelKeys } from "../kubernetes/labels.ts";
import { bothProtocols, podsIn, policy, type PolicySpec, tcp } from "../kubernetes/policy-spec.ts";
import { DNS_PORT, ports, probePorts } from "../kubernetes/ports.ts";

/**
 * The agents' policy: they may reach the gateway's pods, their DNS and the probe's open port. Nothing may reach them. With
 * `otlp` they may also send telemetry to the gateway.
 */
export function agentPolicy(
  gatewayNamespace: string,
  more: { readonly otlp?: boolean } = {},
): PolicySpec {
  return policy(
    { [labelKeys.role]: "agent" },
    {
      egress: [
        // The ports of every path, so that a new path works at once. Each path's own policy closes the other ports.
        {
          peers: [podsIn(gatewayNamespace, "gateway")],
          ports: tcp(
            ...new Set(variants.flatMap((variant) => agentPorts(variant))),
            ...(more.otlp === true ? [ports.otlp] : []),
          ),
        },
        { peers: [podsIn(gatewayNamespace, "dns")], ports: bothProtocols(DNS_PORT) },
        { peers: [podsIn(gatewayNamespace, "probe")], ports: tcp(probePorts.open) },
      ],
    },
  );
}
