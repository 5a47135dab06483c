import * as pulumi from "@pulumi/pulumi";

import { hostFirewall } from "../infra/machine/host-firewall.ts";
import { Alerts } from "../infra/cloud/alerts.ts";
import { Identity } from "../infra/cloud/identity.ts";
import {
  pinnedK3s as pinned,
  RELEASE_KEY,
  releaseLine,
  upgradeProblem,
} from "../infra/machine/k3s-release.ts";
import { Machine } from "../infra/cloud/machine.ts";
import { HOST_LABEL } from "../infra/host-label.ts";
import { machineType } from "../infra/machine/machine-type.ts";
import { LogStore } from "../infra/cloud/log-store.ts";
import { LOGGING_KEY, opsAgentValue } from "../infra/machine/ops-agent.ts";
import { MAINTENANCE_KEY, maintenanceLine } from "../infra/machine/maintenance.ts";
import type { MachineSize } from "../infra/machine/room.ts";
import { Network } from "../infra/cloud/network.ts";
import { PULL_SECRET_KEY, pullCredentialsText } from "../infra/machine/registries/registries.ts";
import type { GcpConfig, HostConfig, K3sConfig, PullCredentials } from "../infra/schema.ts";
import { HostSecrets } from "../infra/cloud/secrets.ts";
import {
  KUBECONFIG_SECRET_KEY,
  renderStartupScript,
  TOKEN_SECRET_KEY,
} from "../infra/machine/startup-script.ts";
import { ConfigError } from "./config.ts";

/** The parsed configuration of a host stack, whose passwords are Pulumi secrets. */
export interface HostStackConfig {
  readonly gcp: GcpConfig;
  readonly host: Omit<HostConfig, "pullCredentials"> & {
    readonly pullCredentials: readonly (Omit<PullCredentials, "password"> & {
      readonly password: pulumi.Input<string>;
    })[];
  };
  readonly k3s: K3sConfig;
}

/** Outputs that gateway and spike stacks, `npm run tunnel` and `npm run host:status` read. */
export interface HostOutputs {
  readonly project: string;
  readonly zone: string;
  readonly instance: pulumi.Output<string>;
  /** Name of the secret in Secret Manager, not its value. */
  readonly kubeconfigSecret: pulumi.Output<string>;
  /**
   * For the kubernetes provider: identifies the cluster. It is the number of the data disk on which the cluster began, and
   * stays when a disk from a snapshot takes that one's place.
   */
  readonly clusterIdentifier: pulumi.Output<string>;
  /** What the machine has. Gateway stacks divide it among their agents. */
  readonly size: MachineSize;
  /** The k3s release that the config asks for. The machine itself reports the one that it runs. */
  readonly k3sVersion: string;
  /** The address that everything leaves from, for allowlists of others. Present with `host.reservedAddress`. */
  readonly outboundAddress?: pulumi.Output<string>;
  /** Who is told when something about the machine needs a person. Present with `host.alerts`. */
  readonly alertsTo?: readonly string[];
  /** Name of the log bucket that gets the machine's logs. Present with `host.logging`. */
  readonly logBucket?: string;
  /** What Google charges for, so that the preview shows it. Prices: infra/README.md. */
  readonly billed: Readonly<Record<string, string>>;
  /** Command that deletes the snapshots, which remain after a destroy. Present if snapshots are on. */
  readonly deleteSnapshotsLeftBehind?: string;
}

/** Name of the machine and of its service account, whose id may have at most 30 characters. */
function machineName(stack: string): string {
  const name = `gateway-${stack}`;
  if (!/^[a-z][-a-z0-9]{4,28}[a-z0-9]$/.test(name)) {
    throw new ConfigError(
      `Stack name "${stack}" does not fit into a machine's name: use at most 22 lower-case letters, digits and dashes (\`pulumi stack rename\`)`,
    );
  }
  return name;
}

/**
 * Reads an output that is a text from the stack's own last update; `undefined` before the first one. Also in an update, which
 * needs it without a preview too. Wait for the answer before anything is registered: the engine then writes nothing to the
 * stack's state, because it waits for each write before it goes on; reading during a write has failed with "EOF".
 * https://github.com/pulumi/pulumi/blob/v3.232.0/pkg/backend/snapshot.go
 */
function lastOutputs(): (key: string) => Promise<string | undefined> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const last = new pulumi.StackReference("last", { name });
  return async (key) => {
    const value: unknown = (await last.getOutputDetails(key)).value;
    return typeof value === "string" ? value : undefined;
  };
}

/** Refuses an upgrade that the machine would refuse. The stack's last output is taken as the current release. */
function checkUpgrade(from: string | undefined, to: string): void {
  const problem = from === undefined ? undefined : upgradeProblem(from, to);
  if (problem !== undefined) throw new ConfigError(`k3s.version: ${problem}`);
}

function deleteSnapshots(project: string, name: string): string {
  const list = `gcloud compute snapshots list --project ${project} --filter labels.${HOST_LABEL}=${name} --uri`;
  return `gcloud compute snapshots delete --project ${project} $(${list})`;
}

function billed({ gcp, host }: HostStackConfig): HostOutputs["billed"] {
  return {
    machine: `${host.machineType} in ${gcp.zone}, for as long as it runs`,
    disks: `${host.bootDiskGb} GB boot and ${host.dataDiskGb} GB data, ${machineType(host.machineType).disk}, whether used or not`,
    nat: `Cloud NAT for one machine, its one ${host.reservedAddress ? "reserved " : ""}address, and every GB through it`,
    secrets: `the token's version and each version of the kubeconfig${host.pullCredentials.length > 0 ? " and of the pull credentials" : ""}, in Secret Manager`,
    ...(host.logging && {
      logging: `every GiB of logs in Cloud Logging beyond its free 50 a month, kept for ${host.logging.retentionDays} days`,
    }),
    ...(host.alerts && {
      alerts:
        "what Google charges for alert policies, and the serial console in Cloud Logging beyond its free 50 GiB a month",
    }),
    ...(host.snapshots && {
      snapshots: `daily changes of the data disk, each kept for ${host.snapshots.keepDays} days`,
    }),
  };
}

/** Makes a host: network, secrets, identity, and the machine that uses them. */
export async function hostStack(config: HostStackConfig): Promise<HostOutputs> {
  const { gcp, host, k3s } = config;
  const name = machineName(pulumi.getStack());
  const last = lastOutputs();
  checkUpgrade(await last("k3sVersion"), k3s.version);
  // A disk from a snapshot has the cluster of the disk before it. Without a snapshot, another disk is another cluster.
  const restored = host.restoreFrom === undefined ? undefined : await last("clusterIdentifier");

  // Said at every `up`, because `pulumi destroy` does not run this program.
  if (host.snapshots && !host.protect) {
    void pulumi.log.warn(
      `Snapshots remain after this stack is destroyed, and cost money. To delete them then: ${deleteSnapshots(gcp.project, name)}`,
    );
  }

  const { architecture: processor, cpus, memoryGb } = machineType(host.machineType);
  const network = new Network("network", {
    name,
    region: gcp.zone.replace(/-[a-z]$/, ""),
    reserveAddress: host.reservedAddress,
    protect: host.protect,
  });
  const { registries, pullCredentials } = host;
  const secrets = new HostSecrets("secrets", {
    name,
    protect: host.protect,
    ...(pullCredentials.length > 0 && {
      pullCredentials: pulumi.output(pullCredentials).apply(pullCredentialsText),
    }),
  });
  const identity = new Identity("identity", {
    accountId: name,
    reads: {
      "k3s-token": secrets.token,
      ...(secrets.pullCredentials && { "pull-credentials": secrets.pullCredentials }),
    },
    publishes: { kubeconfig: secrets.kubeconfig },
    pullsFrom: registries.map((repository) => ({
      ...repository,
      project: repository.project ?? gcp.project,
    })),
    ...(host.logging && { logsTo: gcp.project }),
  });
  const machine = new Machine("machine", {
    name,
    zone: gcp.zone,
    machineType: host.machineType,
    image: host.image ?? `debian-cloud/debian-13${processor === "arm64" ? "-arm64" : ""}`,
    bootDiskGb: host.bootDiskGb,
    dataDiskGb: host.dataDiskGb,
    snapshots: host.snapshots,
    restoreFrom: host.restoreFrom,
    kmsKey: host.kmsKey,
    protect: host.protect,
    subnetworkId: network.subnetworkId,
    serviceAccountEmail: identity.email,
    bootsAfter: [...network.ready, secrets.tokenVersion, ...identity.grants],
    metadata: {
      "startup-script": renderStartupScript({
        nodeName: name,
        nodeFirewall: hostFirewall(),
        registries: pullCredentials.map(({ registry }) => registry),
        ...(host.maintenance && { drainSeconds: host.maintenance.drainSeconds }),
      }),
      [MAINTENANCE_KEY]: maintenanceLine(host.maintenance),
      [RELEASE_KEY]: releaseLine({
        version: k3s.version,
        sha256: k3s.sha256 ?? pinned.sha256[processor],
      }),
      [TOKEN_SECRET_KEY]: secrets.token.id,
      ...(secrets.pullCredentials && { [PULL_SECRET_KEY]: secrets.pullCredentials.id }),
      [KUBECONFIG_SECRET_KEY]: pulumi.interpolate`${secrets.kubeconfig.id} ${secrets.kubeconfig.createTime}`,
      ...(host.logging && { [LOGGING_KEY]: opsAgentValue(host.logging.namespaces) }),
      // Sends the serial console, on which the machine says what is wrong, to Cloud Logging.
      ...(host.alerts && { "serial-port-logging-enable": "TRUE" }),
    },
  });
  if (host.logging) {
    new LogStore("logs", {
      name,
      project: gcp.project,
      location: gcp.zone.replace(/-[a-z]$/, ""),
      retentionDays: host.logging.retentionDays,
      instanceId: machine.instanceId,
    });
  }
  if (host.alerts) {
    new Alerts("alerts", {
      name,
      ...host.alerts,
      instanceId: machine.instanceId,
      dataDiskId: machine.dataDiskId,
      snapshots: host.snapshots !== false,
    });
  }

  return {
    project: gcp.project,
    zone: gcp.zone,
    instance: machine.instanceName,
    kubeconfigSecret: secrets.kubeconfig.secretId,
    clusterIdentifier: restored === undefined ? machine.dataDiskId : pulumi.output(restored),
    size: { cpus, memoryGb, bootDiskGb: host.bootDiskGb },
    k3sVersion: k3s.version,
    ...(network.address && { outboundAddress: network.address }),
    ...(host.alerts && { alertsTo: [...host.alerts.emails, ...host.alerts.channels] }),
    ...(host.logging && { logBucket: name }),
    billed: billed(config),
    ...(host.snapshots && { deleteSnapshotsLeftBehind: deleteSnapshots(gcp.project, name) }),
  };
}
