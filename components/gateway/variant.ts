/** A gateway path with its mode: what is deployed, and a column of the table of known losses. */
export type GatewayVariant = "litellm" | "shim" | "envoy-terminate" | "envoy-sni" | "hybrid";

/** Every variant, in the order that tables and reports show them. */
export const gatewayVariants: readonly GatewayVariant[] = [
  "litellm",
  "shim",
  "envoy-terminate",
  "envoy-sni",
  "hybrid",
];

/** The variant that a parsed `gateway` config selects. */
export function gatewayVariant(gateway: {
  readonly path: "litellm" | "shim" | "envoy" | "hybrid";
  readonly mode?: "terminate" | "sni";
}): GatewayVariant {
  return gateway.path === "envoy" ? `envoy-${gateway.mode ?? "terminate"}` : gateway.path;
}

/** Whether LLM calls pass through LiteLLM. */
export function usesLiteLlm(variant: GatewayVariant): boolean {
  return variant === "litellm" || variant === "shim" || variant === "hybrid";
}

/** Whether allowlisted hosts are reached through Envoy by SNI. */
export function routesBySni(variant: GatewayVariant): boolean {
  return variant === "envoy-sni" || variant === "hybrid";
}
