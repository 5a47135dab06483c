import * as pulumi from "@pulumi/pulumi";
import { durationSeconds } from "../components/schema/fields.ts";
import { labelKeys } from "../components/kubernetes/labels.ts";
import type { SpikeConfig } from "./config.ts";
import { deploy, type DeploymentOutputs } from "./deployment.ts";
import type { Host } from "./host-check.ts";

/** A temporary gateway with one agent, in two namespaces named after the stack. */
export function spikeStack(
  config: SpikeConfig,
  host?: Host,
): DeploymentOutputs & { ttlSeconds: number } {
  const stack = pulumi.getStack();
  const ttlSeconds = durationSeconds(config.spike.ttl);
  const outputs = deploy({
    config,
    host,
    gatewayNamespace: `${stack}-gateway`,
    agents: [{ name: "agent", namespace: `${stack}-agent`, tokenGeneration: 1 }],
    annotations: { [labelKeys.ttlSeconds]: String(ttlSeconds) },
  });
  return { ...outputs, ttlSeconds };
}
