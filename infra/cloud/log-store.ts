import * as pulumi from "@pulumi/pulumi";
import { ProjectBucketConfig } from "@pulumi/gcp/logging/projectBucketConfig.js";
import { ProjectExclusion } from "@pulumi/gcp/logging/projectExclusion.js";
import { ProjectSink } from "@pulumi/gcp/logging/projectSink.js";

import { LOG_IDS } from "../machine/ops-agent.ts";

export interface LogStoreArgs {
  /** Name of the log bucket and of the sink. */
  readonly name: string;
  readonly project: string;
  /** Region of the log bucket. */
  readonly location: string;
  /** How long lines are kept, in days. */
  readonly retentionDays: number;
  /** GCE's number of the machine whose logs these are. */
  readonly instanceId: pulumi.Input<string>;
}

/** A log bucket of its own for one machine's logs, so that they are kept for another time than the project's. */
export class LogStore extends pulumi.ComponentResource {
  constructor(name: string, args: LogStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:infra:LogStore", name, {}, opts);
    const parent = { parent: this };
    const logs = Object.values(LOG_IDS).map((id) => `log_id("${id}")`);
    const filter = pulumi.interpolate`resource.type="gce_instance" AND resource.labels.instance_id="${args.instanceId}" AND (${logs.join(" OR ")})`;

    const bucket = new ProjectBucketConfig(
      `${name}-bucket`,
      {
        project: args.project,
        location: args.location,
        bucketId: args.name,
        retentionDays: args.retentionDays,
      },
      parent,
    );
    const sink = new ProjectSink(
      `${name}-sink`,
      {
        name: args.name,
        // A bucket of the same project needs no grant for the sink's writer.
        destination: pulumi.interpolate`logging.googleapis.com/projects/${args.project}/locations/${args.location}/buckets/${bucket.bucketId}`,
        filter,
        uniqueWriterIdentity: true,
      },
      parent,
    );
    // Without it, the project's bucket _Default stores the same lines again, for the same price. It names only this
    // machine's logs, and comes after the sink, so that no line is lost.
    new ProjectExclusion(
      `${name}-exclusion`,
      { name: args.name, description: `Kept in the log bucket ${args.name}`, filter },
      { parent: this, dependsOn: [sink] },
    );
    this.registerOutputs();
  }
}
