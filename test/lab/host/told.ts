import { hostAlerts } from "../../../infra/alerts/host-alerts.ts";
import { consoleLine, matches } from "../google/logging-query.ts";
import type { HostMachine } from "./machine.ts";

const INSTANCE = "4242";

/** The alerts that Cloud Monitoring would raise on lines of the serial console, each with the line's text: `NAME TEXT`. */
export function alertsOn(console: string): string[] {
  const host = { name: "gateway-host", instanceId: INSTANCE, dataDiskId: "4711" };
  return console.split("\n").flatMap((line) =>
    hostAlerts(true)
      .filter(({ condition }) => {
        const when = condition(host);
        return "log" in when && matches(when.log, consoleLine(INSTANCE, line));
      })
      .map(({ name }) => `${name} ${line.replace(/^claude-gateway: alert [a-z]+: /, "")}`),
  );
}

/** The alerts on what the watch has written to the console since the machine went up. */
export async function told(machine: HostMachine): Promise<string[]> {
  return alertsOn(
    (await machine.read("/run/stand-in-systemd/claude-gateway-watch.service.log")) ?? "",
  );
}
