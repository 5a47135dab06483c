import type { GatewayConfig } from "./config.ts";
import { deploy, type DeploymentOutputs } from "./deployment.ts";
import type { Host } from "./host-check.ts";

/** A gateway with its agents, for as long as the team needs it. */
export function gatewayStack(config: GatewayConfig, host?: Host): DeploymentOutputs {
  return deploy({
    config,
    host,
    gatewayNamespace: config.gateway.namespace,
    agents: config.agents.map((agent) => ({ ...agent, namespace: agent.name })),
  });
}
