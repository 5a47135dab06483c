import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { lineProgress } from "../progress.ts";
import { Pulumi, type Preview, type Stack } from "../pulumi/cli.ts";
import { World } from "../pulumi/gcp/world.ts";

const ROOT = dirname(dirname(dirname(import.meta.dirname)));
/** On Google Cloud, with default options. */
const RESOURCES = 18;
const INSTANCE = "gcp:compute/instance:Instance";

let dir = "";
let pulumi: Pulumi;
let world: World;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "claude-gateway-host-stack-"));
  world = new World(join(dir, "world"));
  const env = { ...process.env, CLAUDE_GATEWAY_GCP_WORLD: join(dir, "world") };
  pulumi = await Pulumi.open({
    clone: ROOT,
    dir: join(dir, "pulumi"),
    progress: lineProgress(),
    env,
  });
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** A stack of kind host with only a project and a zone. */
async function hostStack(name: string): Promise<Stack> {
  const stack = pulumi.stack(name);
  await stack.init("host");
  await stack.setConfig("gcp:project", "my-project");
  await stack.setConfig("gcp:zone", "europe-west1-b");
  return stack;
}

/** The changes in a preview, as `op type`. The `read` is of the stack's own last outputs. */
function plan({ steps = [] }: Preview): string[] {
  return steps
    .filter(({ op }) => op !== "same" && op !== "read")
    .map(({ op, urn }) => `${op} ${urn.split("::")[2]?.split("$").at(-1) ?? ""}`)
    .sort();
}

const kinds = (): string[] => Object.values(world.existing).map(({ type }) => type);

describe("a host stack in the Pulumi engine", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await hostStack("host");
  });

  it("reports missing configuration before anything is changed", async () => {
    const bare = pulumi.stack("bare");
    await bare.init("host");
    await expect(bare.up()).rejects.toThrow(
      /gcp\.project is missing: pulumi config set gcp:project <project id>\s+gcp\.zone is missing: pulumi config set gcp:zone/,
    );
    expect(kinds()).toEqual([]);
  });

  it("needs only a project and a zone", async () => {
    const planned = plan(await stack.preview());
    expect(planned.filter((step) => step.includes(" gcp:"))).toHaveLength(RESOURCES);
    expect(planned.every((step) => step.startsWith("create "))).toBe(true);
    expect(kinds()).toEqual([]);
  });

  it("shows in the plan what will cost money", async () => {
    const plain = await pulumi.execute(["preview", "--stack", "host", "--color", "never"]);
    const [, outputs = ""] = plain.split("\nOutputs:\n");
    for (const line of [
      "machine: e2-standard-4 in europe-west1-b, for as long as it runs",
      "disks: 30 GB boot and 50 GB data, pd-balanced, whether used or not",
      "nat: Cloud NAT for one machine, its one address, and every GB through it",
      "secrets: the token's version and each version of the kubeconfig, in Secret Manager",
      "snapshots: daily changes of the data disk, each kept for 7 days",
    ]) {
      const [name = "", text = ""] = line.split(/: /);
      expect(outputs).toMatch(new RegExp(`\\b${name} *: "${text}"`));
    }
  });

  it("is created by `up`, and a second `up` changes nothing", async () => {
    await stack.up();
    expect(kinds()).toHaveLength(RESOURCES);
    expect(plan(await stack.preview())).toEqual([]);
    const outputs = await stack.outputs();
    expect(outputs).toEqual({
      project: "my-project",
      zone: "europe-west1-b",
      instance: "gateway-host",
      kubeconfigSecret: "gateway-host-kubeconfig",
      clusterIdentifier: expect.stringMatching(/^\d{18,}$/) as unknown,
      deleteSnapshotsLeftBehind: expect.stringContaining("gcloud compute snapshots") as unknown,
      size: { cpus: 4, memoryGb: 16, bootDiskGb: 30 },
      k3sVersion: "v1.36.3+k3s1",
      billed: expect.objectContaining({
        disks: "30 GB boot and 50 GB data, pd-balanced, whether used or not",
      }) as unknown,
    });
  });

  it("keeps the k3s token encrypted in the state, and out of what GCE shows", async () => {
    const state = await stack.export();
    const values = [...state.matchAll(/"(?:secretData|result)": ("[^"]*"|\{)/g)];
    expect(new Set(values.map(([, value]) => value))).toEqual(new Set(["{"]));
    expect(JSON.stringify(world.existing)).not.toContain("secretData");
  });

  it("changes release and machine type in place and keeps the cluster", async () => {
    const before = await stack.outputs();
    await stack.setConfig("k3s.version", "v1.37.0+k3s1");
    await stack.setConfig("k3s.sha256", "a".repeat(64));
    await stack.setConfig("host.machineType", "e2-standard-8");
    expect(plan(await stack.preview())).toEqual([`update ${INSTANCE}`]);
    await stack.up();
    const instance = Object.values(world.existing).find(({ type }) => type === INSTANCE);
    expect(instance?.properties.machineType).toBe("e2-standard-8");
    expect(instance?.properties.metadata).toMatchObject({
      "claude-gateway-k3s": `v1.37.0+k3s1 ${"a".repeat(64)}`,
    });
    const after = await stack.outputs();
    expect(after).toMatchObject({
      k3sVersion: "v1.37.0+k3s1",
      billed: { machine: "e2-standard-8 in europe-west1-b, for as long as it runs" },
    });
    expect(after.clusterIdentifier).toBe(before.clusterIdentifier);
  });

  it("changes to a reserved address in place, says which it is, and protects it", async () => {
    await stack.setConfig("host.reservedAddress", "true");
    const address = "gcp:compute/address:Address";
    const nat = "gcp:compute/routerNat:RouterNat";
    expect(plan(await stack.preview())).toEqual([`create ${address}`, `update ${nat}`]);
    await stack.up();
    expect((await stack.outputs()).outboundAddress).toMatch(/^203\.0\.113\.\d+$/);
    expect(plan(await stack.preview())).toEqual([]);
    await stack.setConfig("host.reservedAddress", "false");
    await expect(stack.preview()).rejects.toThrow(/protect/);
    await stack.setConfig("host.reservedAddress", "true");
  });

  it("gets alerts and sends logs in place, and stops both again", async () => {
    const before = kinds();
    await stack.setConfig("host.alerts.emails[0]", "oncall@example.com");
    await stack.setConfig("host.logging.retentionDays", "90");
    const planned = plan(await stack.preview());
    expect(planned.filter((step) => !step.startsWith("create "))).toEqual([`update ${INSTANCE}`]);
    await stack.up();
    expect(kinds().filter((kind) => kind.endsWith(":AlertPolicy"))).toHaveLength(8);
    expect(plan(await stack.preview())).toEqual([]);
    expect(await stack.outputs()).toMatchObject({
      alertsTo: ["oncall@example.com"],
      logBucket: "gateway-host",
    });
    await stack.removeConfig("host.alerts");
    await stack.removeConfig("host.logging");
    await stack.up();
    expect(kinds().sort()).toEqual(before.sort());
  });

  it.each([
    ["v1.39.0+k3s1", "skips a minor: upgrade to v1.38 first"],
    ["v1.36.9+k3s1", "is a downgrade"],
  ])("refuses k3s %s at preview, and in an `up` without a preview", async (version, refusal) => {
    const before = world.existing;
    await stack.setConfig("k3s.version", version);
    await expect(stack.preview()).rejects.toThrow(refusal);
    await expect(stack.up()).rejects.toThrow(refusal);
    expect(world.existing).toEqual(before);
    await stack.setConfig("k3s.version", "v1.37.0+k3s1");
  });

  it("stops a change that would replace the machine, at preview", async () => {
    const before = world.existing;
    await stack.setConfig("host.image", "debian-cloud/debian-14");
    await expect(stack.preview()).rejects.toThrow(/protect/);
    await expect(stack.up()).rejects.toThrow(/protect/);
    expect(world.existing).toEqual(before);
    await stack.removeConfig("host.image");
  });

  it("cannot be destroyed while it is protected", async () => {
    const before = kinds();
    await expect(stack.destroy()).rejects.toThrow(/protect/);
    expect(kinds()).toEqual(before);
  });

  it("comes back from a lost data disk with one key: a disk and a machine from a snapshot, the same cluster", async () => {
    const DISK = "gcp:compute/disk:Disk";
    const before = await stack.outputs();
    await stack.setConfig("host.restoreFrom", "gateway-host-data-20261124030000");
    await expect(stack.up()).rejects.toThrow(/protect/);
    await stack.setConfig("host.protect", "false");
    await stack.removeConfig("host.restoreFrom");
    await stack.up();
    const [lost = ""] = Object.entries(world.existing).find(([, { type }]) => type === DISK) ?? [];
    world.remove(lost);

    await stack.setConfig("host.restoreFrom", "gateway-host-data-20261124030000");
    const planned = plan(await stack.preview());
    expect(
      planned.filter((step) => /replace/.test(step)).map((step) => step.split(" ")[1]),
    ).toEqual(expect.arrayContaining([DISK, INSTANCE]));
    expect(planned.filter((step) => /^(create|delete) /.test(step))).toEqual([]);
    await stack.up();
    const disks = Object.values(world.existing).filter(({ type }) => type === DISK);
    expect(disks.map(({ properties }) => properties.snapshot)).toEqual([
      "gateway-host-data-20261124030000",
    ]);
    const machine = Object.values(world.existing).find(({ type }) => type === INSTANCE);
    expect(machine?.properties.attachedDisks).toEqual([
      { deviceName: "data", source: disks[0]?.properties.selfLink },
    ]);
    const after = await stack.outputs();
    expect(after.clusterIdentifier).toBe(before.clusterIdentifier);
    expect(plan(await stack.preview())).toEqual([]);
  });

  it("is destroyed completely once the protection is off, and says how to delete the snapshots that remain", async () => {
    await stack.setConfig("host.protect", "false");
    let said = "";
    await stack.up({ onOutput: (text) => (said += text) });
    const list =
      "gcloud compute snapshots list --project my-project --filter labels.claude-gateway-host=gateway-host --uri";
    const command = `gcloud compute snapshots delete --project my-project $(${list})`;
    expect(said).toContain(
      `warning: Snapshots remain after this stack is destroyed, and cost money. To delete them then: ${command}`,
    );
    expect((await stack.outputs()).deleteSnapshotsLeftBehind).toBe(command);
    await stack.destroy();
    expect(world.existing).toEqual({});
  });
});

describe("a host stack that fails half way", () => {
  it("continues where it stopped, and can also be destroyed from there", async () => {
    const stack = await hostStack("halfway");
    await stack.setConfig("host.protect", "false");
    const message =
      "googleapi: Error 403: Quota 'CPUS' exceeded. Limit: 0.0 in region europe-west1.";
    world.order([{ type: INSTANCE, operation: "create", message }]);
    await expect(stack.up()).rejects.toThrow("Quota 'CPUS' exceeded");
    expect(kinds()).not.toContain(INSTANCE);
    const network = Object.keys(world.existing).find((id) => id.includes("/networks/"));
    const made = world.existing[network ?? ""]?.made;

    await stack.up();
    expect(kinds()).toContain(INSTANCE);
    expect(world.existing[network ?? ""]?.made).toEqual(made);

    world.order([
      { type: INSTANCE, operation: "delete", message: "googleapi: Error 503: try again" },
    ]);
    await expect(stack.destroy()).rejects.toThrow("Error 503");
    expect(kinds()).toContain(INSTANCE);
    await stack.destroy();
    expect(world.existing).toEqual({});
  });
});
