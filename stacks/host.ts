import * as pulumi from "@pulumi/pulumi";

import { hostFirewall } from "../infra/machine/host-firewall.ts";
import { Identity } from "../infra/cloud/identity.ts";
import {
  architecture,
  pinnedK3s as pinned,
  RELEASE_KEY,
  releaseLine,
  upgradeProblem,
} from "../infra/machine/k3s-release.ts";
import { diskType, LABEL, Machine } from "../infra/cloud/machine.ts";
import { Network } from "../infra/cloud/network.ts";
import type { GcpConfig, HostConfig, K3sConfig } from "../infra/schema.ts";
import { HostSecrets } from "../infra/cloud/secrets.ts";
import {
  KUBECONFIG_SECRET_KEY,
  renderStartupScript,
  TOKEN_SECRET_KEY,
} from "../infra/machine/startup-script.ts";
import { ConfigError } from "./config.ts";

/** What the `host` kind of stack reads, parsed. */
export interface HostStackConfig {
  readonly gcp: GcpConfig;
  readonly host: HostConfig;
  readonly k3s: K3sConfig;
}

/** Outputs that gateway and spike stacks, `npm run tunnel` and `npm run host:status` read. */
export interface HostOutputs {
  readonly project: string;
  readonly zone: string;
  readonly instance: pulumi.Output<string>;
  /** Name of the secret, not its value. */
  readonly kubeconfigSecret: pulumi.Output<string>;
  /** For the kubernetes provider: the same cluster for as long as the data disk lives. */
  readonly clusterIdentifier: pulumi.Output<string>;
  /** The release asked for; the machine reports the one that it runs. */
  readonly k3sVersion: string;
  /** What Google charges for, so that the plan shows it before anything is made. Prices: infra/README.md. */
  readonly billed: Readonly<Record<string, string>>;
  /** Deletes the snapshots, which outlive the stack; there only when snapshots are on. */
  readonly deleteSnapshotsLeftBehind?: string;
}

/** Machine names: GCE's service account ids end at 30 characters, `gateway-` is ours. */
function machineName(stack: string): string {
  const name = `gateway-${stack}`;
  if (!/^[a-z][-a-z0-9]{4,28}[a-z0-9]$/.test(name)) {
    throw new ConfigError(
      `Stack "${stack}" cannot name a machine: use at most 22 lower-case letters, digits and dashes (\`pulumi stack rename\`)`,
    );
  }
  return name;
}

/** Refuses an upgrade that the machine would refuse, when the stack's last output shows where it starts. */
async function checkUpgrade(to: string): Promise<void> {
  const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const last = await new pulumi.StackReference("last", { name: stack }).getOutputDetails(
    "k3sVersion",
  );
  const problem = typeof last.value === "string" ? upgradeProblem(last.value, to) : undefined;
  if (problem !== undefined) throw new ConfigError(`k3s.version: ${problem}`);
}

function deleteSnapshots(project: string, name: string): string {
  const list = `gcloud compute snapshots list --project ${project} --filter labels.${LABEL}=${name} --uri`;
  return `gcloud compute snapshots delete --project ${project} $(${list})`;
}

function billed({ gcp, host }: HostStackConfig): HostOutputs["billed"] {
  return {
    machine: `${host.machineType} in ${gcp.zone}, for as long as it runs`,
    disks: `${host.bootDiskGb} GB boot and ${host.dataDiskGb} GB data, ${diskType(host.machineType)}, whether used or not`,
    nat: "Cloud NAT for one machine, its one address, and every GB through it",
    secrets: "the token's version and each version of the kubeconfig, in Secret Manager",
    ...(host.snapshots && {
      snapshots: `what changes on the data disk, daily, each kept ${host.snapshots.keepDays} days`,
    }),
  };
}

/** Composes a host: network, secrets, identity and the machine that reads them. */
export async function hostStack(config: HostStackConfig): Promise<HostOutputs> {
  const { gcp, host, k3s } = config;
  const name = machineName(pulumi.getStack());
  await checkUpgrade(k3s.version);

  // The last that this program says before a destroy, which does not run it.
  if (host.snapshots && !host.protect) {
    void pulumi.log.warn(
      `Snapshots outlive this stack, and cost money. After its destroy: ${deleteSnapshots(gcp.project, name)}`,
    );
  }

  const processor = architecture(host.machineType);
  const network = new Network("network", { name, region: gcp.zone.replace(/-[a-z]$/, "") });
  const secrets = new HostSecrets("secrets", { name, protect: host.protect });
  const identity = new Identity("identity", {
    accountId: name,
    reads: { "k3s-token": secrets.token },
    publishes: { kubeconfig: secrets.kubeconfig },
  });
  const machine = new Machine("machine", {
    name,
    zone: gcp.zone,
    machineType: host.machineType,
    image: host.image ?? `debian-cloud/debian-13${processor === "arm64" ? "-arm64" : ""}`,
    bootDiskGb: host.bootDiskGb,
    dataDiskGb: host.dataDiskGb,
    snapshots: host.snapshots,
    kmsKey: host.kmsKey,
    protect: host.protect,
    subnetworkId: network.subnetworkId,
    serviceAccountEmail: identity.email,
    bootsAfter: [...network.ready, secrets.tokenVersion, ...identity.grants],
    metadata: {
      "startup-script": renderStartupScript({
        nodeName: name,
        nodeFirewall: hostFirewall(),
      }),
      [RELEASE_KEY]: releaseLine({
        version: k3s.version,
        sha256: k3s.sha256 ?? pinned.sha256[processor],
      }),
      [TOKEN_SECRET_KEY]: secrets.token.id,
      [KUBECONFIG_SECRET_KEY]: pulumi.interpolate`${secrets.kubeconfig.id} ${secrets.kubeconfig.createTime}`,
    },
  });

  return {
    project: gcp.project,
    zone: gcp.zone,
    instance: machine.instanceName,
    kubeconfigSecret: secrets.kubeconfig.secretId,
    clusterIdentifier: machine.dataDiskId,
    k3sVersion: k3s.version,
    billed: billed(config),
    ...(host.snapshots && { deleteSnapshotsLeftBehind: deleteSnapshots(gcp.project, name) }),
  };
}
