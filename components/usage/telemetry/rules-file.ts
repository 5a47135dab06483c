import { stringify } from "yaml";
import type { Alert } from "./alert.ts";

/** A rules file of Prometheus, one group for each theme. */
export function rulesFile(groups: Readonly<Record<string, readonly Alert[]>>): string {
  const file = {
    groups: Object.entries(groups).map(([name, alerts]) => ({
      name,
      rules: alerts.map((alert) => ({
        alert: alert.name,
        expr: alert.expr,
        for: alert.for,
        labels: { severity: alert.severity },
        annotations: { summary: alert.summary, description: alert.description },
      })),
    })),
  };
  return HEADLINE + stringify(file, { lineWidth: 0 });
}

const HEADLINE =
  "# Alert rules for Prometheus. Written by `npm run telemetry:files`; README says how to scrape the gateway.\n";
