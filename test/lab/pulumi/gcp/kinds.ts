import { createHash } from "node:crypto";

import type { PropertyMap } from "../provider/values.ts";

/** A kind of resource: the values that GCE sets, and the properties that cannot be changed in place. */
export interface Kind {
  /** Its GCE id, which contains its name. */
  readonly id: (inputs: Plain, project: string) => string;
  /** Paths of properties whose change replaces the resource. With a `<` at the end: only if the number decreases. */
  readonly replaces: readonly string[];
  /** Properties whose change requires the machine to stop. */
  readonly stops?: readonly string[];
  /** The error with which GCE refuses inputs of the right types. */
  readonly refuses?: (inputs: Plain) => string | undefined;
  /** Outputs besides the inputs; all that the program might read. */
  readonly outputs: (inputs: Plain, made: Made) => PropertyMap;
  /** Ids or links of resources that must exist before it and must not be deleted while it exists. */
  readonly uses: (inputs: Plain) => readonly (string | undefined)[];
}

/** Inputs without secret markers. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the shapes are checked against the SDK's types before
export type Plain = Readonly<Record<string, any>>;

/** What is known about a resource when it is created. */
export interface Made {
  readonly id: string;
  readonly project: string;
  /** The numeric id that GCE gives it. */
  readonly number: string;
  readonly time: string;
}

const API = "https://www.googleapis.com/compute/v1/";
const link = ({ id }: Made): PropertyMap => ({ selfLink: API + id });
const text = (value: unknown): string => String(value);

/** Dynamic port allocation needs powers of two, the smaller one first, and no endpoint-independent mapping. */
function natRefusal(inputs: Plain): string | undefined {
  if (inputs.enableDynamicPortAllocation !== true) return undefined;
  if (inputs.enableEndpointIndependentMapping === true) {
    return "Invalid value for field 'resource.nats[0].enableEndpointIndependentMapping': cannot be set together with Dynamic Port Allocation., invalid";
  }
  const min = Number(inputs.minPortsPerVm ?? 32);
  const max = Number(inputs.maxPortsPerVm ?? 65_536);
  const isPower = (value: number): boolean => Number.isInteger(Math.log2(value));
  return isPower(min) && isPower(max) && min >= 32 && max > min && max <= 65_536
    ? undefined
    : `Invalid value for field 'resource.nats[0].maxPortsPerVm': '${max}' with minPortsPerVm '${min}'., invalid`;
}

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

/** The kinds of resource in a host stack, by type token. */
export const KINDS: Readonly<Record<string, Kind>> = {
  "gcp:compute/network:Network": {
    id: ({ name }, project) => `projects/${project}/global/networks/${text(name)}`,
    replaces: ["name", "autoCreateSubnetworks"],
    outputs: (_, made) => ({
      ...link(made),
      networkId: made.number,
      numericId: made.number,
      gatewayIpv4: "",
      routingMode: "REGIONAL",
      mtu: 0,
    }),
    uses: () => [],
  },
  "gcp:compute/subnetwork:Subnetwork": {
    id: ({ name, region }, project) =>
      `projects/${project}/regions/${text(region)}/subnetworks/${text(name)}`,
    replaces: ["name", "network", "region", "ipCidrRange"],
    outputs: (_, made) => ({
      ...link(made),
      creationTimestamp: made.time,
      gatewayAddress: "10.41.0.1",
      stackType: "IPV4_ONLY",
      purpose: "PRIVATE",
    }),
    uses: ({ network }) => [network as string],
  },
  "gcp:compute/router:Router": {
    id: ({ name, region }, project) =>
      `projects/${project}/regions/${text(region)}/routers/${text(name)}`,
    replaces: ["name", "network", "region"],
    outputs: (_, made) => ({ ...link(made), creationTimestamp: made.time }),
    uses: ({ network }) => [network as string],
  },
  "gcp:compute/address:Address": {
    id: ({ name, region }, project) =>
      `projects/${project}/regions/${text(region)}/addresses/${text(name)}`,
    replaces: ["name", "region", "address", "addressType", "networkTier"],
    outputs: (_, made) => ({
      ...link(made),
      address: `203.0.113.${1 + (Number(made.number.slice(0, 6)) % 254)}`,
      creationTimestamp: made.time,
      users: [],
    }),
    uses: () => [],
  },
  "gcp:compute/routerNat:RouterNat": {
    id: ({ name, region, router }, project) =>
      `${project}/${text(region)}/${text(router)}/${text(name)}`,
    replaces: ["name", "router", "region"],
    refuses: natRefusal,
    outputs: () => ({ enableEndpointIndependentMapping: false, autoNetworkTier: "PREMIUM" }),
    uses: ({ router, subnetworks, natIps }) => [
      `/routers/${text(router)}`,
      ...((subnetworks ?? []) as { name: string }[]).map(({ name }) => name),
      ...((natIps ?? []) as string[]),
    ],
  },
  "gcp:compute/firewall:Firewall": {
    id: ({ name }, project) => `projects/${project}/global/firewalls/${text(name)}`,
    replaces: ["name", "network", "direction", "priority"],
    outputs: (_, made) => ({ ...link(made), creationTimestamp: made.time }),
    uses: ({ network }) => [network as string],
  },
  "gcp:compute/disk:Disk": {
    id: ({ name, zone }, project) => `projects/${project}/zones/${text(zone)}/disks/${text(name)}`,
    // A disk can grow in place. GCE cannot shrink it.
    replaces: ["name", "zone", "type", "image", "snapshot", "diskEncryptionKey", "size<"],
    outputs: (inputs, made) => ({
      ...link(made),
      diskId: made.number,
      creationTimestamp: made.time,
      physicalBlockSizeBytes: 4096,
      effectiveLabels: (inputs.labels ?? {}) as PropertyMap,
      pulumiLabels: (inputs.labels ?? {}) as PropertyMap,
      users: [],
    }),
    uses: () => [],
  },
  "gcp:compute/resourcePolicy:ResourcePolicy": {
    id: ({ name, region }, project) =>
      `projects/${project}/regions/${text(region)}/resourcePolicies/${text(name)}`,
    replaces: ["name", "region", "snapshotSchedulePolicy"],
    outputs: (_, made) => link(made),
    uses: () => [],
  },
  "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment": {
    id: ({ name, zone, disk }, project) => `${project}/${text(zone)}/${text(disk)}/${text(name)}`,
    replaces: ["name", "zone", "disk"],
    outputs: () => ({}),
    uses: ({ disk, name }) => [`/disks/${text(disk)}`, `/resourcePolicies/${text(name)}`],
  },
  "gcp:compute/instance:Instance": {
    id: ({ name, zone }, project) =>
      `projects/${project}/zones/${text(zone)}/instances/${text(name)}`,
    replaces: [
      ...["name", "zone", "hostname", "metadataStartupScript"],
      ...["bootDisk.deviceName", "bootDisk.kmsKeySelfLink", "bootDisk.initializeParams"],
    ],
    stops: [
      ...["machineType", "minCpuPlatform", "serviceAccount", "shieldedInstanceConfig"],
      "networkInterfaces",
    ],
    outputs: (inputs, made) => ({
      ...link(made),
      instanceId: made.number,
      creationTimestamp: made.time,
      currentStatus: "RUNNING",
      cpuPlatform: "Intel Broadwell",
      labelFingerprint: "42WmSpB8rSM=",
      metadataFingerprint: "fingerprint",
      effectiveLabels: (inputs.labels ?? {}) as PropertyMap,
      pulumiLabels: (inputs.labels ?? {}) as PropertyMap,
      tagsFingerprint: "42WmSpB8rSM=",
      networkInterfaces: ((inputs.networkInterfaces ?? []) as PropertyMap[]).map((nic, index) => ({
        ...nic,
        name: `nic${index}`,
        networkIp: `10.41.0.${index + 2}`,
        stackType: "IPV4_ONLY",
      })),
    }),
    uses: ({ networkInterfaces, attachedDisks, serviceAccount }) => [
      ...((networkInterfaces ?? []) as { subnetwork?: string }[]).map((nic) => nic.subnetwork),
      ...((attachedDisks ?? []) as { source: string }[]).map(({ source }) => source),
      (serviceAccount as { email?: string } | undefined)?.email,
    ],
  },
  "gcp:secretmanager/secret:Secret": {
    id: ({ secretId }, project) => `projects/${project}/secrets/${text(secretId)}`,
    replaces: ["secretId", "replication"],
    outputs: (inputs, made) => ({
      name: `projects/${made.number}/secrets/${text(inputs.secretId)}`,
      createTime: made.time,
      expireTime: "",
      effectiveLabels: {},
      effectiveAnnotations: {},
      pulumiLabels: {},
    }),
    uses: () => [],
  },
  "gcp:secretmanager/secretVersion:SecretVersion": {
    id: ({ secret }) => `${text(secret)}/versions/1`,
    replaces: ["secret", "secretData"],
    outputs: (_, made) => ({
      name: made.id,
      version: "1",
      createTime: made.time,
      destroyTime: "",
      enabled: true,
    }),
    uses: ({ secret }) => [secret as string],
  },
  "gcp:secretmanager/secretIamMember:SecretIamMember": {
    id: ({ secretId, role, member }) => [secretId, role, member].map(text).join("/"),
    replaces: ["secretId", "role", "member", "condition"],
    outputs: () => ({ etag: "BwYx" }),
    uses: ({ secretId, member }) => [
      secretId as string,
      text(member).replace("serviceAccount:", ""),
    ],
  },
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": {
    id: ({ project, location, repository, role, member }) =>
      `projects/${text(project)}/locations/${text(location)}/repositories/${text(repository)}/${text(role)}/${text(member)}`,
    replaces: ["project", "location", "repository", "role", "member", "condition"],
    outputs: () => ({ etag: "BwYx" }),
    uses: ({ member }) => [text(member).replace("serviceAccount:", "")],
  },
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
  "gcp:projects/iAMMember:IAMMember": {
    id: ({ project, role, member }) => [project, role, member].map(text).join("/"),
    replaces: ["project", "role", "member", "condition"],
    outputs: () => ({ etag: "BwYx" }),
    uses: ({ member }) => [text(member).replace("serviceAccount:", "")],
  },
  "gcp:serviceaccount/account:Account": {
    id: ({ accountId }, project) =>
      `projects/${project}/serviceAccounts/${text(accountId)}@${project}.iam.gserviceaccount.com`,
    replaces: ["accountId"],
    outputs: ({ accountId }, made) => {
      const email = `${text(accountId)}@${made.project}.iam.gserviceaccount.com`;
      return { name: made.id, email, member: `serviceAccount:${email}`, uniqueId: made.number };
    },
    uses: () => [],
  },
};
