import { createHash } from "node:crypto";

import { type Kind, type Plain, text } from "./kind.ts";

/** A number for an id, as Cloud Monitoring chooses one; the same for the same inputs. */
function numberOf(inputs: unknown): string {
  const hash = createHash("sha256").update(JSON.stringify(inputs)).digest();
  return hash.readBigUInt64BE().toString();
}

interface Policy {
  readonly conditions: readonly Record<string, { readonly duration?: string } | undefined>[];
  readonly alertStrategy?: {
    readonly autoClose?: string;
    readonly notificationRateLimit?: { readonly period: string };
  };
}

/** What Cloud Monitoring asks of a policy. https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies */
function policyRefusal(inputs: Plain): string | undefined {
  const { conditions, alertStrategy = {} } = inputs as unknown as Policy;
  const { autoClose, notificationRateLimit: limit } = alertStrategy;
  const onLog = conditions.some(({ conditionMatchedLog }) => conditionMatchedLog !== undefined);
  if (onLog && conditions.length > 1) {
    return "Field alert_policy.conditions had an invalid value: a policy with a log match has no other condition.";
  }
  if (onLog && limit === undefined) {
    return "Field alert_policy.alert_strategy.notification_rate_limit is required for a policy with a log match.";
  }
  if (!onLog && limit !== undefined) {
    return "Field alert_policy.alert_strategy.notification_rate_limit had an invalid value: only log-based alert policies may specify a notification rate limit.";
  }
  if (autoClose !== undefined && Number.parseInt(autoClose) < 1800) {
    return "Field alert_policy.alert_strategy.auto_close had an invalid value: at least 30 minutes.";
  }
  return conditions
    .flatMap(({ conditionAbsent }) => conditionAbsent?.duration ?? [])
    .filter((duration) => !/^[0-9]+s$/.test(duration) || Number.parseInt(duration) % 60 !== 0)
    .map((duration) => `Field condition_absent.duration had an invalid value of "${duration}".`)[0];
}

/** Alerts, and where logs go. */
export const MONITORING: Readonly<Record<string, Kind>> = {
  "gcp:monitoring/notificationChannel:NotificationChannel": {
    id: ({ type, labels }, project) =>
      `projects/${project}/notificationChannels/${numberOf([type, labels])}`,
    replaces: [],
    refuses: ({ type, labels }) =>
      type === "email" && (labels as Plain | undefined)?.email_address === undefined
        ? 'Field "notification_channel.labels[email_address]" is required.'
        : undefined,
    outputs: (_, made) => ({ name: made.id, verificationStatus: "" }),
    uses: () => [],
  },
  "gcp:monitoring/alertPolicy:AlertPolicy": {
    id: ({ displayName }, project) => `projects/${project}/alertPolicies/${numberOf(displayName)}`,
    replaces: [],
    refuses: policyRefusal,
    outputs: (_, made) => ({ name: made.id, creationRecords: [] }),
    uses: ({ notificationChannels }) => (notificationChannels ?? []) as string[],
  },
  "gcp:logging/projectBucketConfig:ProjectBucketConfig": {
    id: ({ project, location, bucketId }) =>
      `projects/${text(project)}/locations/${text(location)}/buckets/${text(bucketId)}`,
    replaces: ["project", "location", "bucketId"],
    outputs: (_, made) => ({ name: made.id, lifecycleState: "ACTIVE" }),
    uses: () => [],
  },
  "gcp:logging/projectSink:ProjectSink": {
    id: ({ name }, project) => `projects/${project}/sinks/${text(name)}`,
    replaces: ["name"],
    outputs: (_, made) => ({
      writerIdentity: `serviceAccount:service-${made.number}@gcp-sa-logging.iam.gserviceaccount.com`,
    }),
    uses: ({ destination }) => [text(destination).replace("logging.googleapis.com/", "")],
  },
  "gcp:logging/projectExclusion:ProjectExclusion": {
    id: ({ name }, project) => `projects/${project}/exclusions/${text(name)}`,
    replaces: ["name"],
    outputs: () => ({}),
    uses: () => [],
  },
};
