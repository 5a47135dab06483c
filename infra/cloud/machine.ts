import * as pulumi from "@pulumi/pulumi";
import { Disk } from "@pulumi/gcp/compute/disk.js";
import { DiskResourcePolicyAttachment } from "@pulumi/gcp/compute/diskResourcePolicyAttachment.js";
import { Instance } from "@pulumi/gcp/compute/instance.js";
import { ResourcePolicy } from "@pulumi/gcp/compute/resourcePolicy.js";

import { contentHash } from "../../components/kubernetes/content-hash.ts";
import { HOST_LABEL } from "../host-label.ts";
import { machineType } from "../machine/machine-type.ts";

/** The machine sees its data disk under this name: /dev/disk/by-id/google-data. */
export const DATA_DEVICE = "data";

export interface MachineArgs {
  /** GCE name of the machine; the names of the data disk and the snapshot schedule start with it. */
  readonly name: string;
  readonly zone: string;
  readonly machineType: string;
  /** `<project>/<image or family>`. */
  readonly image: string;
  readonly bootDiskGb: number;
  readonly dataDiskGb: number;
  /** Daily snapshots of the data disk. `false`: no snapshots. */
  readonly snapshots: { readonly keepDays: number; readonly hourUtc: number } | false;
  /** Name of a snapshot of the same project from which the data disk is made. Default: an empty disk. */
  readonly restoreFrom?: string | undefined;
  /** Name of an existing Cloud KMS key for both disks. */
  readonly kmsKey?: string | undefined;
  /** Sets both Pulumi's `protect` and GCE's deletion protection. */
  readonly protect: boolean;
  readonly subnetworkId: pulumi.Input<string>;
  readonly serviceAccountEmail: pulumi.Input<string>;
  /** What must exist before the machine boots: at first boot it downloads packages and reads a secret. */
  readonly bootsAfter: readonly pulumi.Resource[];
  /** Our own metadata, including the startup script. Never a secret: every process on the machine can read metadata. */
  readonly metadata: Readonly<Record<string, pulumi.Input<string>>>;
}

/** The machine with its boot disk, and a data disk that survives the machine. */
export class Machine extends pulumi.ComponentResource {
  readonly instanceName: pulumi.Output<string>;
  /** GCE's numeric id of the data disk. While it stays the same, the cluster is the same. */
  readonly dataDiskId: pulumi.Output<string>;
  /** GCE's numeric id of the machine. */
  readonly instanceId: pulumi.Output<string>;

  constructor(name: string, args: MachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:infra:Machine", name, {}, opts);
    const kept = { parent: this, protect: args.protect };
    const labels = { [HOST_LABEL]: args.name };
    const type = machineType(args.machineType).disk;

    const data = new Disk(
      `${name}-data`,
      {
        // The old disk, if it still exists, keeps its name until the new one is attached.
        name:
          args.restoreFrom === undefined
            ? `${args.name}-data`
            : `${args.name}-data-${contentHash([args.restoreFrom, type, args.kmsKey].join())}`,
        zone: args.zone,
        type,
        size: args.dataDiskGb,
        labels,
        ...(args.restoreFrom !== undefined && { snapshot: args.restoreFrom }),
        ...(args.kmsKey === undefined
          ? {}
          : { diskEncryptionKey: { kmsKeySelfLink: args.kmsKey } }),
      },
      // The old disk is in use until the old machine is gone.
      { ...kept, ...(args.restoreFrom !== undefined && { deleteBeforeReplace: false }) },
    );
    const schedule =
      args.snapshots === false ? [] : [this.#schedule(name, args, data, args.snapshots)];

    const instance = new Instance(
      `${name}-instance`,
      {
        name: args.name,
        zone: args.zone,
        machineType: args.machineType,
        labels,
        // A new machine type or service account stops the machine but does not replace it.
        allowStoppingForUpdate: true,
        deletionProtection: args.protect,
        bootDisk: {
          autoDelete: true,
          initializeParams: { image: args.image, size: args.bootDiskGb, type },
          ...(args.kmsKey === undefined ? {} : { kmsKeySelfLink: args.kmsKey }),
        },
        attachedDisks: [{ source: data.selfLink, deviceName: DATA_DEVICE }],
        // No accessConfigs, so no external address.
        networkInterfaces: [{ subnetwork: args.subnetworkId }],
        shieldedInstanceConfig: {
          enableSecureBoot: true,
          enableVtpm: true,
          enableIntegrityMonitoring: true,
        },
        serviceAccount: {
          email: args.serviceAccountEmail,
          scopes: ["https://www.googleapis.com/auth/cloud-platform"],
        },
        metadata: {
          "enable-oslogin": "TRUE",
          "block-project-ssh-keys": "TRUE",
          "enable-guest-attributes": "TRUE",
          "serial-port-enable": "FALSE",
          ...args.metadata,
        },
      },
      {
        ...kept,
        // So that a destroy that the protection refuses leaves the schedule too.
        dependsOn: [...args.bootsAfter, ...schedule],
        // A running machine must not lose the disk that its datastore is on: another disk is another machine.
        replaceOnChanges: ["attachedDisks"],
        deleteBeforeReplace: true,
      },
    );

    this.instanceName = instance.name;
    this.dataDiskId = data.diskId;
    this.instanceId = instance.instanceId;
    this.registerOutputs({ instanceName: this.instanceName, dataDiskId: this.dataDiskId });
  }

  #schedule(
    name: string,
    args: MachineArgs,
    disk: Disk,
    { keepDays, hourUtc }: { readonly keepDays: number; readonly hourUtc: number },
  ): DiskResourcePolicyAttachment {
    const policy = new ResourcePolicy(
      `${name}-snapshots`,
      {
        name: `${args.name}-snapshots`,
        region: args.zone.replace(/-[a-z]$/, ""),
        snapshotSchedulePolicy: {
          schedule: {
            dailySchedule: { daysInCycle: 1, startTime: `${String(hourUtc).padStart(2, "0")}:00` },
          },
          // Snapshots that a destroyed stack leaves behind are deleted when they expire.
          retentionPolicy: {
            maxRetentionDays: keepDays,
            onSourceDiskDelete: "APPLY_RETENTION_POLICY",
          },
          snapshotProperties: { labels: { [HOST_LABEL]: args.name } },
        },
      },
      { parent: this },
    );
    return new DiskResourcePolicyAttachment(
      `${name}-snapshots`,
      { name: policy.name, disk: disk.name, zone: args.zone },
      { parent: this },
    );
  }
}
