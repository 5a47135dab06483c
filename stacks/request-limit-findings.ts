import { isMetered, type Variant } from "../components/gateway/paths/variant.ts";
import type { Finding } from "../components/schema/finding.ts";
import { needsMeter } from "./metered-paths.ts";

/** `agents[].maxRequests` on a path where Envoy does not see agents' requests. */
export function requestLimitFindings(variant: Variant, agents: unknown): readonly Finding[] {
  if (isMetered(variant) || !Array.isArray(agents)) return [];
  return (agents as ({ readonly maxRequests?: unknown } | null)[]).flatMap((agent, index) =>
    agent?.maxRequests === undefined
      ? []
      : [
          {
            path: ["agents", String(index), "maxRequests"],
            message: needsMeter(variant, "where no Envoy sees the agents' requests"),
          },
        ],
  );
}
