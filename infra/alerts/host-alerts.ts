/** The alerts of a host, for Cloud Monitoring. Each has a section in docs/runbook-host.md with its name. */

/** What the machine itself finds and says on its serial console; infra/machine/startup/alerts.sh writes it. */
export type Finding = "disk" | "certificate" | "upgrade" | "setup" | "cluster";

/** What stands before the text of a finding, so that a filter finds it and nothing else. */
export function findingMark(finding: Finding): string {
  return `claude-gateway: alert ${finding}: `;
}

/** The parts of a host that alerts are about. */
export interface AlertedHost {
  /** GCE name of the machine and of its Cloud NAT. */
  readonly name: string;
  /** GCE's numbers of the machine and of its data disk. */
  readonly instanceId: string;
  readonly dataDiskId: string;
}

/** When an alert fires: on a line in Cloud Logging, or on a metric. */
export type Condition =
  | { readonly log: string }
  | {
      readonly metric: string;
      /** The metric fires if its sum is above zero, or if it has no values for {@link SILENT_SECONDS}. */
      readonly fires: "above zero" | "silent";
    };

export interface HostAlert {
  readonly name: string;
  /** `CRITICAL`: agents do not work, or will not tomorrow. `WARNING`: somebody should look this week. */
  readonly severity: "CRITICAL" | "WARNING";
  /** One line. */
  readonly summary: string;
  readonly condition: (host: AlertedHost) => Condition;
}

/** How long a machine may be silent: longer than a restart for a kernel takes. */
export const SILENT_SECONDS = 900;

/** A filter of Cloud Logging or Cloud Monitoring: every term must hold. */
function all(...terms: readonly string[]): string {
  return terms.join(" AND ");
}

/** https://cloud.google.com/compute/docs/troubleshooting/viewing-serial-port-output */
function said(finding: Finding): HostAlert["condition"] {
  return ({ instanceId }) => ({
    log: all(
      'resource.type="gce_instance"',
      'log_id("serialconsole.googleapis.com/serial_port_1_output")',
      `resource.labels.instance_id="${instanceId}"`,
      `textPayload:"${findingMark(finding)}"`,
    ),
  });
}

/** For every host. */
const always: readonly HostAlert[] = [
  {
    name: "ClaudeGatewayHostDown",
    severity: "CRITICAL",
    summary: `The machine does not run: no uptime for ${SILENT_SECONDS / 60} minutes.`,
    // https://cloud.google.com/monitoring/api/metrics_gcp_c#gcp-compute
    condition: ({ instanceId }) => ({
      metric: all(
        'resource.type="gce_instance"',
        'metric.type="compute.googleapis.com/instance/uptime"',
        `resource.labels.instance_id="${instanceId}"`,
      ),
      fires: "silent",
    }),
  },
  {
    name: "ClaudeGatewayHostSetupFailed",
    severity: "CRITICAL",
    summary:
      "A step of the machine's set-up failed, or what it does later: a maintenance, a new kubeconfig, the Ops Agent.",
    condition: said("setup"),
  },
  {
    name: "ClaudeGatewayHostClusterDown",
    severity: "CRITICAL",
    summary: "After the set-up, k3s does not answer, or the node is not Ready.",
    condition: said("cluster"),
  },
  {
    name: "ClaudeGatewayHostUpgradeFailed",
    severity: "WARNING",
    summary: "The machine did not change to the release of k3s that the configuration asks for.",
    condition: said("upgrade"),
  },
  {
    name: "ClaudeGatewayHostDiskFull",
    severity: "CRITICAL",
    summary: "The boot disk or the data disk is nearly full.",
    condition: said("disk"),
  },
  {
    name: "ClaudeGatewayHostCertificateEnds",
    severity: "CRITICAL",
    summary: "A certificate of the cluster ends within 30 days.",
    condition: said("certificate"),
  },
  {
    name: "ClaudeGatewayHostNatDrops",
    severity: "WARNING",
    summary: "Cloud NAT dropped packets: new connections to the outside fail.",
    // The NAT's log does not have every dropped packet; the metric does. https://cloud.google.com/nat/docs/monitoring
    condition: ({ name }) => ({
      metric: all(
        'resource.type="nat_gateway"',
        'metric.type="router.googleapis.com/nat/dropped_sent_packets_count"',
        `resource.labels.gateway_name="${name}"`,
      ),
      fires: "above zero",
    }),
  },
];

/** For a host with snapshots. https://cloud.google.com/compute/docs/disks/manage-snapshot-schedules */
const backupFailed: HostAlert = {
  name: "ClaudeGatewayHostBackupFailed",
  severity: "CRITICAL",
  summary: "A scheduled snapshot of the data disk failed.",
  condition: ({ dataDiskId }) => ({
    log: all(
      'resource.type="gce_disk"',
      'log_id("cloudaudit.googleapis.com/system_event")',
      `resource.labels.disk_id="${dataDiskId}"`,
      'protoPayload.methodName="ScheduledSnapshots"',
      "severity>=ERROR",
    ),
  }),
};

/** The alerts of a host with or without snapshots. */
export function hostAlerts(snapshots: boolean): readonly HostAlert[] {
  return snapshots ? [...always, backupFailed] : always;
}

/** Where the alert is explained. */
export function runbookSection({ name }: HostAlert): string {
  return `docs/runbook-host.md#${name.toLowerCase()}`;
}
