import { API_SERVER_FILES } from "./k3s-config.ts";

/** Metadata key with what {@link opsAgentValue} renders. Without the key, the machine sends no logs. */
export const LOGGING_KEY = "claude-gateway-logging";

/**
 * The release of Google's Ops Agent. Google keeps a release's packages for three years at least.
 * https://cloud.google.com/stackdriver/docs/support-info/telemetry-agents
 */
export const OPS_AGENT_VERSION = "2.70.0";

/** Names of the logs in Cloud Logging. */
export const LOG_IDS = {
  pods: "claude_gateway_pods",
  audit: "claude_gateway_audit",
  system: "claude_gateway_system",
} as const;

/** Kubernetes' own pods: cluster DNS and the provisioner of volumes. */
const SYSTEM_NAMESPACE = "kube-system";

/** RFC 3339 with a fraction of a second, as containerd and the API server write it. */
const TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%L%z";

/**
 * The Ops Agent's configuration, which is merged with its built-in one.
 * https://cloud.google.com/stackdriver/docs/solutions/agents/ops-agent/configuration
 */
export function opsAgentConfig(namespaces: readonly string[]) {
  return {
    logging: {
      receivers: {
        [LOG_IDS.pods]: {
          type: "files",
          // The kubelet's folders are <namespace>_<pod>_<uid>/<container>. A rotated file has another ending.
          include_paths: [SYSTEM_NAMESPACE, ...namespaces].map(
            (namespace) => `/var/log/pods/${namespace}_*/*/*.log`,
          ),
          // The namespace, the pod and the container are only in the path.
          record_log_file_path: true,
          // A file that is open is read to its end after the kubelet has deleted it, so find it soon.
          wildcard_refresh_interval: "5s",
        },
        [LOG_IDS.audit]: { type: "files", include_paths: [API_SERVER_FILES.auditLog] },
        [LOG_IDS.system]: { type: "systemd_journald" },
      },
      processors: {
        // https://kubernetes.io/docs/concepts/cluster-administration/logging/ (the container runtime's format)
        container_line: {
          type: "parse_regex",
          regex: "^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<part>[FP]) (?<message>.*)$",
          time_key: "time",
          time_format: TIME_FORMAT,
        },
        audit_event: {
          type: "parse_json",
          time_key: "stageTimestamp",
          time_format: TIME_FORMAT,
        },
      },
      service: {
        pipelines: {
          // Debian 13 has no syslog files: everything is in the journal.
          default_pipeline: { receivers: [] },
          pods: { receivers: [LOG_IDS.pods], processors: ["container_line"] },
          audit: { receivers: [LOG_IDS.audit], processors: ["audit_event"] },
          system: { receivers: [LOG_IDS.system] },
        },
      },
    },
    // Metrics of the host cost money, and no alert needs them.
    metrics: { service: { pipelines: { default_pipeline: { receivers: [] } } } },
  };
}

/** Value of {@link LOGGING_KEY}: the release, then the configuration. JSON is valid YAML, so no serializer is needed. */
export function opsAgentValue(namespaces: readonly string[]): string {
  return `${OPS_AGENT_VERSION}\n${JSON.stringify(opsAgentConfig(namespaces), null, 2)}\n`;
}
