import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";

import { MAX_REQUESTS } from "../../../components/gateway/envoy/limits.ts";
import { HostConfig, K3sConfig } from "../../../infra/schema.ts";
import { hostStack } from "../../../stacks/host.ts";
import { collect, type Registered } from "../infra/resources.ts";

const gcp = { project: "my-project", zone: "europe-west1-b" };

function run(
  host: object = {},
  options: { k3s?: object; stack?: string; last?: Record<string, unknown> } = {},
) {
  const config = { gcp, host: HostConfig.parse(host), k3s: K3sConfig.parse(options.k3s ?? {}) };
  return collect(options.stack ?? "host", () => hostStack(config), options.last);
}

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

describe("a host with only a project and a zone", () => {
  let resources: Registered[] = [];
  let outputs: Awaited<ReturnType<typeof hostStack>>;
  beforeAll(async () => {
    ({ resources, outputs } = await run());
  });

  const of = (type: string): Registered[] =>
    resources.filter((one) => one.type.endsWith(`:${type}`));
  const instance = (): Registered => {
    const [only, ...others] = of("Instance");
    if (only === undefined || others.length > 0) throw new Error("expected exactly one instance");
    return only;
  };

  it("creates exactly these resources", () => {
    const types = resources
      .map(({ type }) => type)
      .filter((type) => !type.startsWith("claude-gateway:"));
    expect(types.sort()).toEqual([
      "gcp:compute/disk:Disk",
      "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment",
      ...Array<string>(4).fill("gcp:compute/firewall:Firewall"),
      "gcp:compute/instance:Instance",
      "gcp:compute/network:Network",
      "gcp:compute/resourcePolicy:ResourcePolicy",
      "gcp:compute/router:Router",
      "gcp:compute/routerNat:RouterNat",
      "gcp:compute/subnetwork:Subnetwork",
      "gcp:secretmanager/secret:Secret",
      "gcp:secretmanager/secret:Secret",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      "gcp:secretmanager/secretVersion:SecretVersion",
      "gcp:serviceaccount/account:Account",
      "random:index/randomPassword:RandomPassword",
    ]);
  });

  it("gives the machine no external address", () => {
    expect(instance().inputs.networkInterfaces).toEqual([{ subnetwork: "network-subnet-id" }]);
    expect(of("Subnetwork")[0]?.inputs.privateIpGoogleAccess).toBe(true);
  });

  it("allows in only Identity-Aware Proxy, to SSH and the API", () => {
    const allowed = of("Firewall").filter(
      ({ inputs }) => (inputs.direction as unknown) === "INGRESS" && inputs.allows !== undefined,
    );
    expect(allowed.map(({ inputs }) => [inputs.sourceRanges, inputs.allows])).toEqual([
      [["35.235.240.0/20"], [{ protocol: "tcp", ports: ["22", "6443"] }]],
    ]);
  });

  it("allows out only TCP 443, and has a rule that denies the rest", () => {
    const rules = of("Firewall").map(({ inputs }) => [
      inputs.direction,
      inputs.priority,
      inputs.allows ?? "deny",
      inputs.denies ?? "allow",
    ]);
    expect(rules).toContainEqual(["EGRESS", 1000, [{ protocol: "tcp", ports: ["443"] }], "allow"]);
    expect(rules).toContainEqual(["EGRESS", 65534, "deny", [{ protocol: "all" }]]);
    expect(rules).toContainEqual(["INGRESS", 65534, "deny", [{ protocol: "all" }]]);
  });

  it("has more NAT ports than Envoy relays requests, also while ports of closed connections wait", () => {
    const { inputs } = of("RouterNat")[0] ?? {};
    expect(inputs).toMatchObject({
      natIpAllocateOption: "AUTO_ONLY",
      enableDynamicPortAllocation: true,
      enableEndpointIndependentMapping: false,
      minPortsPerVm: 16_384,
      maxPortsPerVm: 32_768,
      tcpTimeWaitTimeoutSec: 120,
      logConfig: { enable: true, filter: "ERRORS_ONLY" },
    });
    expect(inputs).not.toHaveProperty("natIps");
    // As many connections as Envoy has requests may close every minute.
    expect(Number(inputs?.minPortsPerVm)).toBeGreaterThan((1 + 120 / 60) * MAX_REQUESTS);
    expect(outputs).not.toHaveProperty("outboundAddress");
  });

  it("allows the machine only to read one secret and to manage the versions of the other", () => {
    const grants = of("SecretIamMember").map(({ inputs }) => [
      inputs.secretId,
      inputs.role,
      inputs.member,
    ]);
    const member = "serviceAccount:gateway-host@p.iam.gserviceaccount.com";
    expect(grants).toEqual([
      ["secrets-k3s-token-id", "roles/secretmanager.secretAccessor", member],
      ["secrets-kubeconfig-id", "roles/secretmanager.secretVersionManager", member],
    ]);
    expect(resources.filter(({ type }) => /iam/i.test(type))).toHaveLength(2);
    expect(instance().inputs.serviceAccount?.email).toBe("gateway-host@p.iam.gserviceaccount.com");
  });

  it("puts no secret into metadata", () => {
    const metadata = instance().inputs.metadata ?? {};
    expect(Object.keys(metadata).sort()).toEqual([
      "block-project-ssh-keys",
      "claude-gateway-k3s",
      "claude-gateway-kubeconfig-secret",
      "claude-gateway-maintenance",
      "claude-gateway-token-secret",
      "enable-guest-attributes",
      "enable-oslogin",
      "serial-port-enable",
      "startup-script",
    ]);
    expect(JSON.stringify(metadata)).not.toContain("the-generated-token");
    const holders = resources.filter(({ inputs }) =>
      JSON.stringify(inputs).includes("the-generated-token"),
    );
    expect(holders.map(({ type }) => type)).toEqual([
      "gcp:secretmanager/secretVersion:SecretVersion",
    ]);
  });

  it("requests the pinned release with its checksum", () => {
    expect(instance().inputs.metadata?.["claude-gateway-k3s"]).toBe(
      "v1.36.3+k3s1 2f98a9f8fe5782479ee2d54e70a1b10a7f6fd4cae8d38ed3098452dc6eed76b5",
    );
    expect(instance().inputs.metadataStartupScript).toBeUndefined();
  });

  it("is a shielded machine with OS Login", () => {
    const { shieldedInstanceConfig, metadata, bootDisk } = instance().inputs;
    expect(shieldedInstanceConfig).toEqual({
      enableSecureBoot: true,
      enableVtpm: true,
      enableIntegrityMonitoring: true,
    });
    expect(metadata?.["enable-oslogin"]).toBe("TRUE");
    expect(bootDisk).toEqual({
      autoDelete: true,
      initializeParams: { image: "debian-cloud/debian-13", size: 30, type: "pd-balanced" },
    });
  });

  it("protects what cannot be recreated, in Pulumi and in GCE", () => {
    const kept = resources
      .filter(({ protect }) => protect)
      .map(({ name, type }) => `${type} ${name}`);
    expect(kept.sort()).toEqual([
      "gcp:compute/disk:Disk machine-data",
      "gcp:compute/instance:Instance machine-instance",
      "gcp:secretmanager/secret:Secret secrets-k3s-token",
      "gcp:secretmanager/secretVersion:SecretVersion secrets-k3s-token",
      "random:index/randomPassword:RandomPassword secrets-k3s-token",
    ]);
    expect(instance().inputs.deletionProtection).toBe(true);
  });

  it("outputs the kubeconfig secret's name and an identifier that changes only with the data disk", async () => {
    expect(await value(outputs.kubeconfigSecret)).toBe("gateway-host-kubeconfig");
    expect(await value(outputs.clusterIdentifier)).toBe("4711");
    expect([outputs.project, outputs.zone, outputs.k3sVersion]).toEqual([
      "my-project",
      "europe-west1-b",
      "v1.36.3+k3s1",
    ]);
  });
});

describe("options of a host", () => {
  it("turns both protections off with one option", async () => {
    const { resources } = await run({ protect: false });
    expect(resources.filter(({ protect }) => protect)).toEqual([]);
    const flags = resources.map(({ inputs }) => inputs.deletionProtection as unknown);
    expect(flags).not.toContain(true);
  });

  it("snapshots the data disk daily, and says how to delete the snapshots that remain", async () => {
    const { resources, outputs } = await run({ snapshots: { keepDays: 14, hourUtc: 5 } });
    const policy = resources.find(({ type }) => type.endsWith(":ResourcePolicy"));
    expect(policy?.inputs.region).toBe("europe-west1");
    expect(policy?.inputs.snapshotSchedulePolicy).toEqual({
      schedule: { dailySchedule: { daysInCycle: 1, startTime: "05:00" } },
      retentionPolicy: { maxRetentionDays: 14, onSourceDiskDelete: "APPLY_RETENTION_POLICY" },
      snapshotProperties: { labels: { "claude-gateway-host": "gateway-host" } },
    });
    const attached = resources.filter(({ type }) => type.endsWith(":DiskResourcePolicyAttachment"));
    expect(attached.map(({ inputs }) => inputs.disk as unknown)).toEqual(["gateway-host-data"]);
    expect(outputs.deleteSnapshotsLeftBehind).toBe(
      "gcloud compute snapshots delete --project my-project $(gcloud compute snapshots list --project my-project --filter labels.claude-gateway-host=gateway-host --uri)",
    );
    expect(outputs.billed.snapshots).toBe("daily changes of the data disk, each kept for 14 days");
  });

  it("makes no snapshots on request", async () => {
    const { resources, outputs } = await run({ snapshots: false });
    expect(resources.filter(({ type }) => /ResourcePolicy/.test(type))).toEqual([]);
    expect(Object.keys(outputs)).not.toContain("deleteSnapshotsLeftBehind");
    expect(outputs.billed).not.toHaveProperty("snapshots");
  });

  it("makes the data disk from a snapshot, and the cluster keeps its identity", async () => {
    const restoreFrom = "gateway-host-data-20261124030000";
    const last = { clusterIdentifier: "1234" };
    const { resources, outputs } = await run({ restoreFrom }, { last });
    const disk = resources.find(({ type }) => type.endsWith(":Disk"));
    expect(disk?.inputs.snapshot).toBe(restoreFrom);
    expect(disk?.inputs.name).toMatch(/^gateway-host-data-[0-9a-f]+$/);
    expect(await value(outputs.clusterIdentifier)).toBe("1234");
  });

  it("gives another disk that is not from a snapshot another identity", async () => {
    const { resources, outputs } = await run({}, { last: { clusterIdentifier: "1234" } });
    const disk = resources.find(({ type }) => type.endsWith(":Disk"));
    expect(disk?.inputs).toMatchObject({ name: "gateway-host-data" });
    expect(disk?.inputs).not.toHaveProperty("snapshot");
    expect(await value(outputs.clusterIdentifier)).toBe("4711");
  });

  it("reserves the address that everything leaves from, protects it and names it", async () => {
    const { resources, outputs } = await run({ reservedAddress: true });
    const address = resources.find(({ type }) => type.endsWith(":Address"));
    const nat = resources.find(({ type }) => type.endsWith(":RouterNat"));
    expect(address).toMatchObject({
      inputs: { name: "gateway-host", region: "europe-west1" },
      protect: true,
    });
    expect(nat?.inputs).toMatchObject({
      natIpAllocateOption: "MANUAL_ONLY",
      natIps: ["addresses/gateway-host"],
    });
    expect(await value(outputs.outboundAddress ?? pulumi.output(""))).toBe("203.0.113.7");
    expect(outputs.billed.nat).toBe(
      "Cloud NAT for one machine, its one reserved address, and every GB through it",
    );
  });

  it.each([
    [undefined, "7 4 2 reboot", 900],
    [{ day: "daily", hourUtc: 22, hours: 3, reboot: false }, "0 22 3 keep", 900],
    [{ day: "monday", drainSeconds: 300 }, "1 4 2 reboot", 300],
    [false, "off", 900],
  ])("gives the machine the window %j as %s", async (maintenance, line, drainSeconds) => {
    const { resources } = await run({ maintenance });
    const metadata = resources.find(({ type }) => type.endsWith(":Instance"))?.inputs.metadata;
    expect(metadata?.["claude-gateway-maintenance"]).toBe(line);
    expect(metadata?.["startup-script"]).toContain(
      `"priority": 0,\n      "shutdownGracePeriodSeconds": ${drainSeconds}\n`,
    );
  });

  it("says what the machine has", async () => {
    const { outputs } = await run({ machineType: "c4-highmem-8", bootDiskGb: 60 });
    expect(outputs.size).toEqual({ cpus: 8, memoryGb: 62, bootDiskGb: 60 });
  });

  it("encrypts both disks with the named key", async () => {
    const key = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k";
    const { resources } = await run({ kmsKey: key });
    const disk = resources.find(({ type }) => type.endsWith(":Disk"));
    const instance = resources.find(({ type }) => type.endsWith(":Instance"));
    expect(disk?.inputs.diskEncryptionKey).toEqual({ kmsKeySelfLink: key });
    expect(instance?.inputs.bootDisk?.kmsKeySelfLink).toBe(key);
  });

  it.each([
    ["e2-standard-4", "pd-balanced"],
    ["c4d-standard-4", "hyperdisk-balanced"],
  ])("gives %s a disk type that it supports: %s", async (machineType, type) => {
    const { resources, outputs } = await run({ machineType });
    const disk = resources.find((one) => one.type.endsWith(":Disk"));
    const instance = resources.find((one) => one.type.endsWith(":Instance"));
    expect(disk?.inputs.type).toBe(type);
    expect(instance?.inputs.bootDisk?.initializeParams?.type).toBe(type);
    expect(outputs.billed.disks).toBe(`30 GB boot and 50 GB data, ${type}, whether used or not`);
  });

  it("uses image and checksum for Arm on an Arm machine", async () => {
    const { resources } = await run({ machineType: "c4a-standard-4" });
    const { inputs } = resources.find(({ type }) => type.endsWith(":Instance")) ?? {};
    expect(inputs?.bootDisk?.initializeParams?.image).toBe("debian-cloud/debian-13-arm64");
    expect(inputs?.metadata?.["claude-gateway-k3s"]).toBe(
      "v1.36.3+k3s1 c9a209103f480f163b7c6a56f00862b4481927b284dc29a3716bb70d886691a8",
    );
  });
});

describe("errors before any resource is created", () => {
  it("rejects a stack name that is too long for a service account", async () => {
    await expect(run({}, { stack: "a-very-long-name-of-a-stack" })).rejects.toThrow(
      'Stack name "a-very-long-name-of-a-stack" does not fit into a machine\'s name: use at most 22',
    );
  });

  it("rejects an upgrade that skips a minor after the release in the stack's last output", async () => {
    await expect(run({}, { last: { k3sVersion: "v1.34.2+k3s1" } })).rejects.toThrow(
      "k3s.version: v1.34.2+k3s1 -> v1.36.3+k3s1 skips a minor: upgrade to v1.35 first",
    );
  });

  it("has the last outputs before it registers anything, because the engine then writes to the file they are in", async () => {
    const last = { k3sVersion: "v1.35.2+k3s1", clusterIdentifier: "1234" };
    const { registeredBeforeRead } = await run({ restoreFrom: "a-snapshot" }, { last });
    expect(registeredBeforeRead).toBe(0);
  });

  it("accepts an upgrade from a supported release", async () => {
    const { resources } = await run({}, { last: { k3sVersion: "v1.35.2+k3s1" } });
    expect(resources.filter(({ type }) => type.endsWith(":Instance"))).toHaveLength(1);
  });
});

describe("private images", () => {
  const GRANT = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember";
  const password = "the-password-of-a-registry";
  const of = (resources: readonly Registered[], name: string): Registered["inputs"] | undefined =>
    resources.find((one) => one.name === name)?.inputs;

  it("grants reading on exactly the named repositories, in the host's project by default", async () => {
    const registries = [
      { location: "europe-west1", repository: "agents" },
      { location: "us", repository: "tools", project: "other-project" },
    ];
    const { resources } = await run({ registries });
    const grants = resources.filter(({ type }) => type === GRANT);
    const role = "roles/artifactregistry.reader";
    const member = "serviceAccount:gateway-host@p.iam.gserviceaccount.com";
    expect(grants.map(({ name, inputs }) => [name, inputs])).toEqual([
      [
        "identity-pulls-my-project-europe-west1-agents",
        { project: "my-project", location: "europe-west1", repository: "agents", role, member },
      ],
      [
        "identity-pulls-other-project-us-tools",
        { project: "other-project", location: "us", repository: "tools", role, member },
      ],
    ]);
  });

  it("puts passwords into a secret that the machine may read, and only their registries' names on the machine", async () => {
    const { resources } = await run({
      pullCredentials: [
        { registry: "ghcr.io", username: "octo-bot", password },
        { registry: "docker.io", username: "other", password: "p" },
      ],
    });
    const stored = of(
      resources.filter(({ type }) => type.endsWith(":SecretVersion")),
      "secrets-pull-credentials",
    );
    expect(JSON.stringify(stored)).toContain(password);
    expect(of(resources, "identity-reads-pull-credentials")).toMatchObject({
      secretId: "secrets-pull-credentials-id",
      role: "roles/secretmanager.secretAccessor",
    });
    const metadata = of(resources, "machine-instance")?.metadata as unknown as Record<
      string,
      string
    >;
    expect(metadata["claude-gateway-pull-secret"]).toBe("secrets-pull-credentials-id");
    const matched = /"matchImages": (\[[^\]]*\])/.exec(metadata["startup-script"] ?? "")?.[1] ?? "";
    expect(JSON.parse(matched)).toEqual(["*-docker.pkg.dev", "ghcr.io", "docker.io"]);
    expect(JSON.stringify(metadata)).not.toContain(password);
  });

  it("changes nothing of the machine with a changed password", async () => {
    const machine = async (text: string) => {
      const pullCredentials = [{ registry: "ghcr.io", username: "octo-bot", password: text }];
      return of((await run({ pullCredentials })).resources, "machine-instance");
    };
    expect(await machine("another")).toEqual(await machine(password));
  });
});
