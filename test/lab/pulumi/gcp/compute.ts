import type { PropertyMap } from "../provider/values.ts";
import { type Kind, type Made, type Plain, text } from "./kind.ts";

const API = "https://www.googleapis.com/compute/v1/";
const link = ({ id }: Made): PropertyMap => ({ selfLink: API + id });

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

/** The network, the machine and its disk. */
export const COMPUTE: Readonly<Record<string, Kind>> = {
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
};
