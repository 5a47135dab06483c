import { labelKeys, type Role } from "../../kubernetes/labels.ts";
import { podsOf, policy, type PolicySpec, tcp } from "../../kubernetes/policy-spec.ts";
import { ports } from "../../kubernetes/ports.ts";
import type { Scraper } from "./schema.ts";

/** Pods with metrics by role, and the port that serves nothing else of use. */
export const metricsPorts = { gateway: ports.health, ratelimit: ports.ratelimitMetrics } as const;

/**
 * Opens the metrics of the pods with a role to the named scrapers. Policies add up: the pods' own policies still decide on
 * every other port.
 */
export function scrapePolicy(
  role: Extract<Role, keyof typeof metricsPorts>,
  scrapers: readonly Scraper[],
): PolicySpec {
  return policy(
    { [labelKeys.role]: role },
    {
      ingress: [
        {
          peers: scrapers.map(({ namespace, podLabels }) => podsOf(namespace, podLabels)),
          ports: tcp(metricsPorts[role]),
        },
      ],
    },
  );
}
