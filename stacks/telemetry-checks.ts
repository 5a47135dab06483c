import { inConfig, isMetered, type Variant } from "../components/gateway/paths/variant.ts";
import type { Finding } from "../components/schema/finding.ts";
import type { TelemetryConfig } from "../components/usage/telemetry/schema.ts";
import type { z } from "zod";

/** What is wrong with a valid `telemetry` for a path and its agents. The agents' section can have any type. */
export function telemetryFindings(
  variant: Variant,
  telemetry: unknown,
  agents: unknown,
): Finding[] {
  const { scrape, otlp } = (telemetry ?? {}) as Partial<z.infer<typeof TelemetryConfig>>;
  const names = Array.isArray(agents)
    ? (agents as readonly ({ readonly name?: unknown } | null)[]).map((agent) => agent?.name)
    : [];
  const agentsThatScrape = (scrape?.from ?? []).flatMap(({ namespace }, index) =>
    names.includes(namespace)
      ? [
          {
            path: ["telemetry", "scrape", "from", String(index), "namespace"],
            message:
              "is an agent's namespace, and agents must not see what others do: name the namespace of your Prometheus",
          },
        ]
      : [],
  );
  if (otlp === undefined || isMetered(variant)) return agentsThatScrape;
  return [
    ...agentsThatScrape,
    {
      path: ["telemetry", "otlp"],
      message:
        `needs a path on which Envoy sees the answers; on ${inConfig(variant)} it does not: ` +
        "pulumi config set --path gateway.path envoy, or pulumi config rm --path telemetry.otlp",
    },
  ];
}
