import type { GatewayVariant } from "../gateway/variant.ts";
import { UPSTREAM_HOST } from "./schema.ts";

/**
 * The hosts that agents reach by TLS through Envoy, sorted, each once: what Envoy has chains and clusters for, and what
 * the agents' DNS answers with the gateway's address. Everything that follows from `egress.allow` follows from here.
 */
export function reachableHosts(variant: GatewayVariant, allow: readonly string[]): string[] {
  switch (variant) {
    case "envoy-sni":
      return sorted([...allow, UPSTREAM_HOST]);
    case "hybrid":
      return sorted(allow);
    case "litellm":
    case "shim":
    case "envoy-terminate":
      return [];
  }
}

function sorted(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].sort();
}
