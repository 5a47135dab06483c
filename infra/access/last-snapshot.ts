import { HOST_LABEL } from "../host-label.ts";
import { capture } from "./gcloud.ts";
import type { HostReference } from "./host-reference.ts";

/** A snapshot of a host's data disk. */
export interface Snapshot {
  readonly name: string;
  /** ISO 8601. */
  readonly creationTimestamp: string;
  /** `READY`, or why it cannot be used. */
  readonly status: string;
}

/** The newest snapshot of a host's data disk, undefined if there is none. */
export async function lastSnapshot(
  { instance, project }: HostReference,
  limitMs?: number,
): Promise<Snapshot | undefined> {
  const listed = await capture(
    "gcloud",
    [
      ...["compute", "snapshots", "list", "--project", project],
      ...["--filter", `labels.${HOST_LABEL}=${instance}`],
      ...["--sort-by", "~creationTimestamp", "--limit", "1", "--format", "json"],
    ],
    limitMs,
  );
  return (JSON.parse(listed) as Snapshot[])[0];
}
