import * as pulumi from "@pulumi/pulumi";
import { AlertPolicy } from "@pulumi/gcp/monitoring/alertPolicy.js";
import { NotificationChannel } from "@pulumi/gcp/monitoring/notificationChannel.js";
import type { types } from "@pulumi/gcp";

import { contentHash } from "../../components/kubernetes/content-hash.ts";
import {
  type Condition,
  hostAlerts,
  runbookSection,
  SILENT_SECONDS,
} from "../alerts/host-alerts.ts";
import { HOST_LABEL } from "../host-label.ts";

/** The machine repeats each finding every hour, so an incident closes this long after the last line or measurement. */
const CLOSE_SECONDS = 2 * 3600;

/** While an alert on a log goes on, somebody is told again after this time. */
const REMIND_SECONDS = 12 * 3600;

export interface AlertsArgs {
  /** GCE name of the machine; the alerts' names start with it. */
  readonly name: string;
  /** Addresses that get a mail. */
  readonly emails: readonly string[];
  /** Existing notification channels, `projects/P/notificationChannels/N`. */
  readonly channels: readonly string[];
  readonly instanceId: pulumi.Input<string>;
  readonly dataDiskId: pulumi.Input<string>;
  /** Whether the data disk has scheduled snapshots. */
  readonly snapshots: boolean;
}

/** The alerts about a host in Cloud Monitoring, and who is told. */
export class Alerts extends pulumi.ComponentResource {
  constructor(name: string, args: AlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:infra:Alerts", name, {}, opts);
    const parent = { parent: this };

    const mails = args.emails.map(
      (email) =>
        new NotificationChannel(
          `${name}-email-${contentHash(email)}`,
          {
            displayName: `${args.name}: ${email}`,
            type: "email",
            labels: { email_address: email },
          },
          parent,
        ),
    );
    const host = pulumi
      .all([args.instanceId, args.dataDiskId])
      .apply(([instanceId, dataDiskId]) => ({ name: args.name, instanceId, dataDiskId }));

    for (const alert of hostAlerts(args.snapshots)) {
      new AlertPolicy(
        `${name}-${alert.name}`,
        {
          displayName: `${args.name}: ${alert.name}`,
          severity: alert.severity,
          combiner: "OR",
          conditions: [host.apply((of) => condition(alert.summary, alert.condition(of)))],
          alertStrategy: host.apply((of) => strategy(alert.condition(of))),
          documentation: {
            mimeType: "text/markdown",
            content: `${alert.summary} What to do: ${runbookSection(alert)}`,
          },
          notificationChannels: [...mails.map(({ id }) => id), ...args.channels],
          userLabels: { [HOST_LABEL]: args.name },
        },
        parent,
      );
    }
    this.registerOutputs();
  }
}

type PolicyCondition = types.input.monitoring.AlertPolicyCondition;

function condition(displayName: string, when: Condition): PolicyCondition {
  if ("log" in when) return { displayName, conditionMatchedLog: { filter: when.log } };
  if (when.fires === "silent") {
    return {
      displayName,
      conditionAbsent: {
        filter: when.metric,
        duration: `${SILENT_SECONDS}s`,
        aggregations: [{ alignmentPeriod: "60s", perSeriesAligner: "ALIGN_DELTA" }],
      },
    };
  }
  return {
    displayName,
    conditionThreshold: {
      filter: when.metric,
      comparison: "COMPARISON_GT",
      thresholdValue: 0,
      duration: "0s",
      aggregations: [
        {
          alignmentPeriod: "300s",
          perSeriesAligner: "ALIGN_DELTA",
          crossSeriesReducer: "REDUCE_SUM",
        },
      ],
    },
  };
}

/**
 * The rate limit exists only for alerts on a log, which need it. An incident about silence gets no time of its own, because
 * it would close while the machine is still down: Google closes an incident when there is no data for `autoClose`.
 * https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#AlertStrategy
 */
function strategy(when: Condition): types.input.monitoring.AlertPolicyAlertStrategy | undefined {
  if ("metric" in when && when.fires === "silent") return undefined;
  return {
    autoClose: `${CLOSE_SECONDS}s`,
    ...("log" in when && { notificationRateLimit: { period: `${REMIND_SECONDS}s` } }),
  };
}
