import * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import { nodeCommand } from "../../kubernetes/node-command.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { volumeClaim } from "../../kubernetes/volume-claim.ts";
import { workload } from "../../kubernetes/workload.ts";
import { recordLabels, recordPolicy } from "./policy.ts";

export interface UsageRecordArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  readonly images: { readonly node: string };
}

/** Name of the claim, of the policy and of the container. */
const NAME = "usage";

/** Where the pod has the whole volume. */
const VOLUME = "/var/lib/usage";
const SCRIPTS = "/etc/usage";

/** Prints the sums, in the container {@link NAME} of the pod with the role `usage`. */
export const REPORT_COMMAND = ["node", `${SCRIPTS}/record.mjs`, "report"] as const;

/**
 * Size of the volume, which k3s's storage does not enforce. The sums of 90 days take some 200 bytes for each day, agent and
 * model. The rest is for lines that wait while this pod does not run: half a GiB, see `rotate.mjs`.
 */
const SIZE = "1Gi";

/** Envoy's user: where the volume belongs to a group, both pods are in it. */
const USER = 65_532;

const FILES = ["record.mjs", "adder.mjs", "folders.mjs", "store.mjs", "totals.mjs"];

/**
 * The record of what each agent spends: a volume, to which Envoy's pods write a line for each request, and a pod that
 * adds them up by day. It is deployed on every path, so that the record stays when the path changes.
 */
export class UsageRecord extends pulumi.ComponentResource {
  /** Name of the claim on the volume. Each pod that writes has a folder in it, named after the pod. */
  readonly claim: pulumi.Output<string>;

  constructor(name: string, args: UsageRecordArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:usage:UsageRecord", name, {}, opts);
    const { namespace } = args;

    this.claim = volumeClaim(
      `${name}-claim`,
      { namespace, claimName: NAME, size: SIZE },
      { parent: this },
    ).metadata.name;

    workload(
      name,
      {
        namespace,
        objectName: NAME,
        labels: recordLabels,
        policy: recordPolicy(),
        user: USER,
        files: [
          {
            volume: "scripts",
            objectName: NAME,
            mountPath: SCRIPTS,
            data: Object.fromEntries(
              FILES.map((file) => [file, readFileSync(new URL(file, import.meta.url), "utf8")]),
            ),
            rollsOn: { name: "scripts", text: (files) => JSON.stringify(files) },
          },
        ],
        container: {
          name: NAME,
          image: args.images.node,
          command: nodeCommand(`${SCRIPTS}/record.mjs`),
          env: [{ name: "RECORD_DIR", value: VOLUME }],
          securityContext: restrictedContainer,
          // The limit is for two: `npm run usage` starts a second one for a moment.
          resources: { requests: { cpu: "5m", memory: "48Mi" }, limits: { memory: "256Mi" } },
          volumeMounts: [{ name: "record", mountPath: VOLUME }],
        },
        pod: {
          volumes: [{ name: "record", persistentVolumeClaim: { claimName: this.claim } }],
        },
      },
      { parent: this },
    );

    this.registerOutputs({ claim: this.claim });
  }
}
