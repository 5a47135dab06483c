import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";

import { findingMark, hostAlerts, runbookSection } from "../../../../infra/alerts/host-alerts.ts";
import { consoleLine, type LogEntry, matches } from "../../../lab/google/logging-query.ts";
import { KINDS } from "../../../lab/pulumi/gcp/kinds.ts";
import { ofKind, runHost } from "../host-resources.ts";
import type { Registered } from "../resources.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const RUNBOOK = readFileSync(join(ROOT, "docs/runbook-host.md"), "utf8");
const SCRIPT = readFileSync(join(ROOT, "infra/machine/startup/alerts.sh"), "utf8");
const host = { name: "gateway-host", instanceId: "42", dataDiskId: "4711" };

/** The filter of each alert on a log, by the alert's name. */
const filters = Object.fromEntries(
  hostAlerts(true).flatMap(({ name, condition }) => {
    const when = condition(host);
    return "log" in when ? [[name, when.log]] : [];
  }),
);

const alertsOn = (entry: LogEntry) =>
  Object.keys(filters).filter((name) => matches(filters[name] ?? "", entry));

describe("the runbook of the host", () => {
  const headings = [...RUNBOOK.matchAll(/^## (\S+)$/gm)].map(([, heading = ""]) => heading);

  test("has a section for each alert, once, and for nothing else", () => {
    expect(headings.toSorted()).toEqual(
      hostAlerts(true)
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  test("is what each alert names", () => {
    for (const alert of hostAlerts(true)) {
      expect(runbookSection(alert)).toBe(`docs/runbook-host.md#${alert.name.toLowerCase()}`);
    }
  });

  test("has a section for each link within the page", () => {
    const links = [...RUNBOOK.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    expect(links.length).toBeGreaterThan(1);
    const anchors = headings.map((heading) => heading.toLowerCase());
    for (const link of links) expect(anchors).toContain(link);
  });
});

describe("filters", () => {
  it.each([
    ["disk", "ClaudeGatewayHostDiskFull"],
    ["certificate", "ClaudeGatewayHostCertificateEnds"],
    ["upgrade", "ClaudeGatewayHostUpgradeFailed"],
    ["setup", "ClaudeGatewayHostSetupFailed"],
    ["cluster", "ClaudeGatewayHostClusterDown"],
  ] as const)("find the machine's line about %s, and no other alert does", (finding, name) => {
    const line = `[  812.3] claude-gateway-host[77]: ${findingMark(finding)}something`;
    expect(alertsOn(consoleLine("42", line))).toEqual([name]);
    expect(alertsOn(consoleLine("43", line))).toEqual([]);
    expect(SCRIPT).toContain(`| say_findings ${finding}\n`);
  });

  it("do not find what the machine says otherwise", () => {
    for (const text of ["claude-gateway: step upgrade: ok", "claude-gateway: step disk: running"]) {
      expect(alertsOn(consoleLine("42", text))).toEqual([]);
    }
  });

  const snapshot = (severity: string, disk = "4711"): LogEntry => ({
    logName: "projects/p/logs/cloudaudit.googleapis.com%2Fsystem_event",
    severity,
    resource: { type: "gce_disk", labels: { disk_id: disk } },
    protoPayload: { methodName: "ScheduledSnapshots" },
  });

  it("find a failed snapshot of the data disk, not a good one, and not of another disk", () => {
    expect(alertsOn(snapshot("ERROR"))).toEqual(["ClaudeGatewayHostBackupFailed"]);
    expect(alertsOn(snapshot("INFO"))).toEqual([]);
    expect(alertsOn(snapshot("ERROR", "4712"))).toEqual([]);
  });
});

describe("a host with alerts", () => {
  let resources: Registered[] = [];
  let billed: Readonly<Record<string, string>> = {};
  beforeAll(async () => {
    const ran = await runHost({
      alerts: { emails: ["a@example.com"], channels: ["projects/p/notificationChannels/7"] },
    });
    resources = ran.resources;
    ({ billed } = ran.outputs);
  });

  it("makes a policy for each alert, and Cloud Monitoring takes it", () => {
    const policies = ofKind(resources, "AlertPolicy");
    expect(policies.map(({ inputs }) => inputs.displayName as unknown as string).sort()).toEqual(
      hostAlerts(true)
        .map(({ name }) => `gateway-host: ${name}`)
        .sort(),
    );
    const refuses = KINDS["gcp:monitoring/alertPolicy:AlertPolicy"]?.refuses;
    for (const { inputs } of policies) {
      expect(inputs.notificationChannels).toHaveLength(2);
      expect(refuses?.(inputs)).toBeUndefined();
      expect(refuses?.({ ...inputs, alertStrategy: { autoClose: "60s" } })).toBeDefined();
    }
  });

  it("lets no incident about silence close while the silence lasts", () => {
    const closes = ofKind(resources, "AlertPolicy").map(({ inputs }) => {
      const [condition = {}] = inputs.conditions as unknown as Record<string, unknown>[];
      const { autoClose } = (inputs.alertStrategy ?? {}) as { autoClose?: string };
      return [Object.hasOwn(condition, "conditionAbsent"), autoClose] as const;
    });
    expect(closes.filter(([silent]) => silent)).toEqual([[true, undefined]]);
    const others = closes.filter(([silent]) => !silent).map(([, autoClose]) => autoClose);
    expect(others).toHaveLength(hostAlerts(true).length - 1);
    expect(new Set(others)).toEqual(new Set(["7200s"]));
  });

  it("tells both the address and the existing channel", () => {
    const [channel, ...others] = ofKind(resources, "NotificationChannel");
    expect(others).toEqual([]);
    expect(channel?.inputs).toMatchObject({
      type: "email",
      labels: { email_address: "a@example.com" },
    });
    expect(ofKind(resources, "AlertPolicy")[0]?.inputs.notificationChannels).toEqual([
      `${channel?.name ?? ""}-id`,
      "projects/p/notificationChannels/7",
    ]);
  });

  it("filters by this machine and this disk", () => {
    const text = JSON.stringify(ofKind(resources, "AlertPolicy").map(({ inputs }) => inputs));
    expect(text).toContain('resource.labels.instance_id=\\"the-instance-number\\"');
    expect(text).toContain('resource.labels.disk_id=\\"4711\\"');
    expect(text).not.toContain("undefined");
  });

  it("sends the serial console to Cloud Logging, and says that it may cost something", () => {
    const metadata = ofKind(resources, "Instance")[0]?.inputs.metadata ?? {};
    expect(metadata["serial-port-logging-enable"]).toBe("TRUE");
    expect(billed.alerts).toContain("alert policies");
  });

  it("has none about snapshots if there are none", async () => {
    const { resources } = await runHost({
      alerts: { emails: ["a@example.com"] },
      snapshots: false,
    });
    const names = ofKind(resources, "AlertPolicy").map(({ name }) => name);
    expect(names).toHaveLength(hostAlerts(true).length - 1);
    expect(names).not.toContain("alerts-ClaudeGatewayHostBackupFailed");
  });

  it("makes nothing and sends nothing without the option", async () => {
    const { resources, outputs } = await runHost({});
    expect(ofKind(resources, "AlertPolicy")).toEqual([]);
    expect(ofKind(resources, "NotificationChannel")).toEqual([]);
    expect(ofKind(resources, "Instance")[0]?.inputs.metadata).not.toHaveProperty(
      "serial-port-logging-enable",
    );
    expect(outputs.billed).not.toHaveProperty("alerts");
  });
});
