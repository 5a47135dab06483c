import { MAX_CONNECTIONS, MAX_REQUESTS } from "../components/gateway/envoy/limits.ts";
import { dashboard } from "../components/usage/telemetry/dashboard.ts";
import { gatewayAlerts } from "../components/usage/telemetry/gateway-alerts.ts";
import { rulesFile } from "../components/usage/telemetry/rules-file.ts";
import { spendingAlerts } from "../components/usage/telemetry/spending-alerts.ts";

/** The alerts by group. */
export const alerts = {
  "claude-gateway": gatewayAlerts({ connections: MAX_CONNECTIONS, requests: MAX_REQUESTS }),
  "claude-gateway-spending": spendingAlerts,
} as const;

/** The files in the folder `telemetry`, for the user's own Prometheus and Grafana. */
export function telemetryFiles(): Readonly<Record<string, string>> {
  return {
    "alerts.yaml": rulesFile(alerts),
    "dashboard.json": JSON.stringify(dashboard(), null, 2) + "\n",
  };
}
