import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { extractTypes } from "../../../../lab/pulumi/gcp/extract-types.ts";
import type { InputTypes } from "../../../../lab/pulumi/gcp/input-types.ts";
import { KINDS } from "../../../../lab/pulumi/gcp/kinds.ts";
import { gcpProvider } from "../../../../lab/pulumi/gcp/provider.ts";
import committed from "../../../../lab/pulumi/gcp/types.json" with { type: "json" };
import { World } from "../../../../lab/pulumi/gcp/world.ts";
import type { Provider } from "../../../../lab/pulumi/provider/provider.ts";
import { type PropertyMap, Secret, Unknown } from "../../../../lab/pulumi/provider/values.ts";

const DISK = "gcp:compute/disk:Disk";
const INSTANCE = "gcp:compute/instance:Instance";
const SECRET = "gcp:secretmanager/secret:Secret";
const VERSION = "gcp:secretmanager/secretVersion:SecretVersion";

let dir = "";
let world: World;
let provider: Provider;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "gcp-world-"));
  world = new World(dir);
  provider = gcpProvider("9.0.0", committed as InputTypes, world);
  await provider.configure?.(new Map([["project", "p"]]));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const identity = (type: string) => ({ urn: `urn:pulumi:s::p::${type}::n`, type, name: "n" });
const check = async (type: string, news: PropertyMap) =>
  (await provider.check({ ...identity(type), olds: {}, news, randomSeed: new Uint8Array() }))
    .failures;
const create = async (type: string, inputs: PropertyMap, preview = false) =>
  provider.create({ ...identity(type), inputs, preview, timeoutSeconds: 0 });
const diff = (type: string, oldInputs: PropertyMap, news: PropertyMap) =>
  provider.diff({ ...identity(type), id: "x", olds: {}, oldInputs, news, ignoreChanges: [] });
const update = async (
  type: string,
  id: string,
  olds: PropertyMap,
  oldInputs: PropertyMap,
  news: PropertyMap,
) =>
  provider.update({
    ...{ ...identity(type), id, olds, oldInputs, news },
    ...{ timeoutSeconds: 0, ignoreChanges: [], preview: false },
  });
const remove = async (type: string, id: string, properties: PropertyMap) =>
  provider.delete({ ...identity(type), id, properties, oldInputs: {}, timeoutSeconds: 0 });

const disk = { name: "d", zone: "z-a", size: 50, type: "pd-balanced" };
const machine = {
  name: "m",
  zone: "z-a",
  machineType: "e2-standard-4",
  bootDisk: { initializeParams: { image: "debian-cloud/debian-13" } },
  networkInterfaces: [{ subnetwork: "projects/p/regions/z/subnetworks/s" }],
};

it("has the types that @pulumi/gcp declares (`npx tsx test/lab/pulumi/gcp/types.update.ts`)", () => {
  expect(committed).toEqual(extractTypes(Object.keys(KINDS)));
});

describe("check", () => {
  it("accepts what the types accept, including unknowns and secrets", async () => {
    expect(await check(DISK, { ...disk, name: Unknown.value })).toEqual([]);
    expect(await check(VERSION, { secret: "s", secretData: new Secret("x") })).toEqual([]);
    expect(await check(INSTANCE, machine)).toEqual([]);
  });

  it.each<[string, PropertyMap, string, string]>([
    [DISK, { ...disk, sizeGb: 5 }, "sizeGb", 'An argument named "sizeGb" is not expected here'],
    [DISK, { ...disk, size: "50" }, "size", "expected number type, got string type"],
    [DISK, { ...disk, labels: ["a"] }, "labels", "expected object type, got array type"],
    [INSTANCE, { ...machine, metadata: { a: 1 } }, "metadata.a", "expected string type"],
    [
      INSTANCE,
      { ...machine, networkInterfaces: [{ subnet: "s" }] },
      "networkInterfaces[0].subnet",
      "is not expected here",
    ],
    [VERSION, { secretData: new Secret("x") }, "secret", 'The argument "secret" is required'],
    [VERSION, { secret: "s", secretData: new Secret(5) }, "secretData", "expected string type"],
  ])("rejects a mistake in %s", async (type, news, property, reason) => {
    const failures = await check(type, news);
    expect(failures).toEqual([{ property, reason: expect.stringContaining(reason) as unknown }]);
  });
});

describe("diff", () => {
  it.each<[string, string, PropertyMap, PropertyMap, readonly string[], readonly string[]]>([
    ["nothing", DISK, disk, disk, [], []],
    ["a growing disk", DISK, disk, { ...disk, size: 60 }, ["size"], []],
    ["a shrinking disk", DISK, disk, { ...disk, size: 40 }, ["size"], ["size"]],
    ["a disk's zone", DISK, disk, { ...disk, zone: "z-b" }, ["zone"], ["zone"]],
    [
      "a machine's image",
      INSTANCE,
      machine,
      { ...machine, bootDisk: { initializeParams: { image: "other" } } },
      ["bootDisk"],
      ["bootDisk.initializeParams.image"],
    ],
    [
      "metadata, the startup script among it",
      INSTANCE,
      { ...machine, metadata: { "startup-script": "a" } },
      { ...machine, metadata: { "startup-script": "b" } },
      ["metadata"],
      [],
    ],
    [
      "the startup script as a separate argument",
      INSTANCE,
      { ...machine, metadataStartupScript: "a" },
      { ...machine, metadataStartupScript: "b" },
      ["metadataStartupScript"],
      ["metadataStartupScript"],
    ],
    [
      "a secret's value",
      VERSION,
      { secret: "s", secretData: new Secret("a") },
      { secret: "s", secretData: new Secret("b") },
      ["secretData"],
      ["secretData"],
    ],
  ])("sees %s", async (_, type, before, after, diffs, replaces) => {
    const result = await diff(type, before, after);
    expect({ diffs: result.diffs, replaces: result.replaces, changes: result.changes }).toEqual({
      diffs,
      replaces,
      changes: diffs.length > 0,
    });
  });
});

describe("an existing resource", () => {
  it("gets GCE's outputs, none of which is known in a preview", async () => {
    const planned = await create(DISK, disk, true);
    expect(planned.properties.diskId).toBe(Unknown.value);
    expect(world.existing).toEqual({});
    const { id, properties } = await create(DISK, disk);
    expect(id).toBe("projects/p/zones/z-a/disks/d");
    expect(properties.diskId).toMatch(/^\d{18}$/);
    expect(properties.selfLink).toBe(
      "https://www.googleapis.com/compute/v1/projects/p/zones/z-a/disks/d",
    );
  });

  it("cannot be created twice, and has a new id when created again", async () => {
    const first = await create(DISK, disk);
    await expect(create(DISK, disk)).rejects.toThrow("Error 409");
    await remove(DISK, first.id, first.properties);
    const second = await create(DISK, disk);
    expect(second.properties.diskId).not.toBe(first.properties.diskId);
  });

  it.each([
    ["endpoint-independent mapping", { enableEndpointIndependentMapping: true }],
    ["a number of ports that is no power of two", { maxPortsPerVm: 30_000 }],
    ["a minimum that is the maximum", { minPortsPerVm: 64, maxPortsPerVm: 64 }],
    ["more ports than there are", { maxPortsPerVm: 131_072 }],
  ])("is not created as a NAT with dynamic ports and %s", async (_, mistake) => {
    const nat = { name: "n", router: "r", region: "x", enableDynamicPortAllocation: true };
    const type = "gcp:compute/routerNat:RouterNat";
    await expect(create(type, { ...nat, ...mistake })).rejects.toThrow("Error 400: Invalid value");
    await create(type, { ...nat, minPortsPerVm: 64, maxPortsPerVm: 128 });
  });

  it("keeps its numeric id when it is updated", async () => {
    const { id, properties } = await create(DISK, disk);
    const updated = await update(DISK, id, properties, disk, { ...disk, size: 60 });
    expect(updated).toEqual({ ...properties, size: 60 });
  });

  it("is not stopped without permission", async () => {
    const { id, properties } = await create(INSTANCE, machine);
    const larger = { ...machine, machineType: "e2-standard-8" };
    await expect(update(INSTANCE, id, properties, machine, larger)).rejects.toThrow(
      "Changing the machineType on a started instance requires stopping it",
    );
    const acknowledged = { ...larger, allowStoppingForUpdate: true };
    expect((await update(INSTANCE, id, properties, machine, acknowledged)).machineType).toBe(
      "e2-standard-8",
    );
  });

  it("cannot be deleted while it is protected or in use", async () => {
    const attached = await create(DISK, disk);
    const inputs = {
      ...machine,
      deletionProtection: true,
      attachedDisks: [{ source: attached.properties.selfLink ?? "" }],
    };
    const { id, properties } = await create(INSTANCE, inputs);
    await expect(remove(INSTANCE, id, properties)).rejects.toThrow(
      "Deletion Protection is enabled",
    );
    await expect(remove(DISK, attached.id, attached.properties)).rejects.toThrow(
      "resourceInUseByAnotherResource",
    );
    await remove(INSTANCE, id, { ...properties, deletionProtection: false });
    await remove(DISK, attached.id, attached.properties);
    expect(world.existing).toEqual({});
  });

  it("does not show a secret's value", async () => {
    const { id } = await create(SECRET, { secretId: "s", replication: { auto: {} } });
    await create(VERSION, { secret: id, secretData: new Secret("the-value") });
    expect(JSON.stringify(world.existing)).not.toContain("the-value");
  });

  it("is gone after another user deleted it", async () => {
    const { id, properties } = await create(DISK, disk);
    world.remove(id);
    const read = { ...identity(DISK), id, properties, inputs: disk };
    expect(await provider.read(read)).toBeUndefined();
  });

  it("fails once if a failure was ordered", async () => {
    world.order([{ type: DISK, operation: "create", message: "Quota exceeded" }]);
    await expect(create(DISK, disk)).rejects.toThrow("Quota exceeded");
    expect(world.existing).toEqual({});
    await create(DISK, disk);
    expect(Object.keys(world.existing)).toHaveLength(1);
  });
});

it("needs a project", async () => {
  const bare = gcpProvider("9.0.0", committed as InputTypes, world);
  const request = { ...identity(DISK), inputs: disk, preview: false, timeoutSeconds: 0 };
  await expect(async () => bare.create(request)).rejects.toThrow(
    "project: required field is not set",
  );
});
