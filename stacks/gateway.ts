import type { GatewayConfig } from "./config.ts";
import { deploy, type DeploymentOutputs } from "./deployment.ts";

/** A gateway with its agents, for as long as the team needs it. */
export function gatewayStack(config: GatewayConfig): DeploymentOutputs {
  return deploy({
    config,
    gatewayNamespace: config.gateway.namespace,
    agents: config.agents.map((agent) => ({ ...agent, namespace: agent.name })),
  });
}
