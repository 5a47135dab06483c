import { readHostStatus } from "../../infra/access/gcloud.ts";
import { findHost } from "../../infra/access/host-options.ts";
import type { HostReference } from "../../infra/access/host-reference.ts";
import {
  type HostStatus,
  isReady,
  laterFailures,
  summarize,
} from "../../infra/access/host-status.ts";
import { lastSnapshot, type Snapshot } from "../../infra/access/last-snapshot.ts";
import { type Row, rowsOf } from "./report.ts";

/** Longest wait for one answer of gcloud. */
const GCLOUD_MS = 30_000;

/** A daily snapshot that is older than this was not made. */
const STALE_MS = 26 * 3_600_000;

/** The rows of the machine of a host stack. */
export async function hostRows(stack: string, nowMs: number): Promise<readonly Row[]> {
  return rowsOf("host", async () => {
    const host = await findHost(stack);
    const [machine, backup] = await Promise.all([
      rowsOf("host", async () => machineRows(await readHostStatus(host, GCLOUD_MS))),
      rowsOf("last backup", async () => [snapshotRow(await lastSnapshot(host, GCLOUD_MS), nowMs)]),
    ]);
    return [...machine, ...backup, tellingRow(host)];
  });
}

/** What the machine reports of itself. */
export function machineRows(status: HostStatus): Row[] {
  const maintenance = status.steps.find(({ step }) => step === "maintenance");
  const again = `npm run host:status -- --stack ${status.host.stack}`;
  const failed = laterFailures(status).length > 0;
  return [
    {
      title: "host",
      text: summarize(status),
      ...((!isReady(status) || failed) && { todo: `see each step: ${again}` }),
    },
    // A failed one is in the row above.
    ...(maintenance === undefined || maintenance.state === "failed"
      ? []
      : [{ title: "maintenance", text: maintenance.message }]),
  ];
}

/** Who is told about the machine, and where its logs go. Both are options, so neither needs a person. */
export function tellingRow({ alertsTo = [], logBucket }: HostReference): Row {
  const told = alertsTo.length === 0 ? "nobody is told" : `told: ${alertsTo.join(", ")}`;
  return {
    title: "alerts, logs",
    text: `${told}; ${logBucket === undefined ? "logs stay on the machine" : `logs in the log bucket ${logBucket}`}`,
  };
}

/** The newest snapshot, which has to be a day old at most. */
export function snapshotRow(snapshot: Snapshot | undefined, nowMs: number): Row {
  const title = "last backup";
  const todo =
    "check the snapshot schedule of the data disk: gcloud compute resource-policies list";
  if (snapshot === undefined) return { title, text: "none", todo };
  const { name, creationTimestamp, status } = snapshot;
  const stale = nowMs - Date.parse(creationTimestamp) > STALE_MS;
  return {
    title,
    text: `${name}, ${creationTimestamp}, ${status}`,
    ...((stale || status !== "READY") && { todo }),
  };
}
