import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { datastoreRelease, freshMachine, OLD, published, readiness } from "./fresh-machine.ts";
import type { HostMachine } from "./machine.ts";

const SERVER = "/var/lib/rancher/k3s/server";
const IMAGE = "/var/lib/rancher/datastore.img";

/** Where k3s has the node's password, and the data disk's copy. */
const PASSWORD = "/etc/rancher/node/password";
const KEPT_PASSWORD = "/var/lib/rancher/claude-gateway/node-password";

/** What a container has as its writable layer, on the data disk as containerd has it, and a local volume. */
const LAYER = "/layer";
const VOLUME = "/var/lib/rancher/volume";
const PREPARE = `set -e
cd /var/lib/rancher
mkdir -p lower upper work ${LAYER}
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work ${LAYER}
install -d -m 0777 ${VOLUME} ${LAYER}/own`;

/** Runs a script as an agent's container does: without root, and without any capability. */
async function asAgent(machine: HostMachine, script: string): Promise<string> {
  const agent = ["--reuid=1000", "--regid=1000", "--clear-groups", "--bounding-set=-all"];
  return (await machine.run(["setpriv", ...agent, "sh", "-c", script])).output;
}

/** The datastore can grow, k3s can make new files beside it, and it starts again. */
async function takesWrites(machine: HostMachine): Promise<void> {
  const write = `cd ${SERVER}/db && dd if=/dev/zero of=more bs=1M count=2 conv=fsync status=none
mkdir files && seq -f files/%g 100 | xargs touch && rm -r files more && systemctl restart k3s.service`;
  expect(await machine.run(["sh", "-ec", write])).toEqual({ status: 0, output: "" });
  await machine.until("k3s is ready", async () => (await readiness(machine)) === `${OLD} True`);
}

const booted = async (machine: HostMachine) => {
  const { status, output } = await machine.boot();
  expect(status, output).toBe(0);
  expect(await readiness(machine)).toBe(`${OLD} True`);
};

describe("the datastore's file system", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
    await booted(machine);
    const { status, output } = await machine.run(["sh", "-c", PREPARE]);
    expect(status, output).toBe(0);
  });
  afterAll(() => remove());

  it("has all its blocks from the beginning, and keeps them when Debian trims the disks", async () => {
    const blocks = ["stat", "--format=%s %b", IMAGE];
    const size = 32 * 2 ** 20;
    const expected = [size, expect.any(Number)];
    const before = (await machine.run(blocks)).output.split(" ").map(Number);
    expect(before).toEqual(expected);
    expect(before[1]).toBeGreaterThanOrEqual(size / 512);
    expect((await machine.run(["fstrim", SERVER])).output).toContain("not supported");
    expect((await machine.run(blocks)).output.split(" ").map(Number)).toEqual(before);
  });

  it("takes k3s's writes while an agent's own layer and volume hold every block of the disk, root's among them", async () => {
    const full = "No space left on device";
    expect(await asAgent(machine, `dd if=/dev/zero of=${VOLUME}/full bs=64k`)).toContain(full);
    expect(await asAgent(machine, `dd if=/dev/zero of=${LAYER}/own/full bs=64k`)).toContain(full);
    const root = await machine.run(["dd", "if=/dev/zero", "of=/var/lib/rancher/root", "bs=1M"]);
    expect(root.output).toMatch(/^0 bytes|\n0 bytes/);
    await takesWrites(machine);
    await machine.run(["rm", `${VOLUME}/full`, `${LAYER}/own/full`, "/var/lib/rancher/root"]);
  });

  it("takes k3s's writes while an agent's files hold every inode of the disk", async () => {
    const free = "$(stat --file-system --format=%d .)";
    const many = `mkdir ${LAYER}/own/many && cd ${LAYER}/own/many && seq ${free} | xargs touch; touch one`;
    expect(await asAgent(machine, many)).toContain("No space left on device");
    expect((await machine.run(["touch", "/var/lib/rancher/root"])).status).not.toBe(0);
    await takesWrites(machine);
    await machine.run(["rm", "-r", `${LAYER}/own/many`]);
  });
});

/** A machine that was set up before the datastore had a file system of its own. */
describe("a host of an older release", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  let script = "";
  let datastore: string | undefined;

  const withScript = (text: string) => {
    const { cloud } = machine;
    machine.cloud = { ...cloud, attributes: { ...cloud.attributes, "startup-script": text } };
  };
  const older = () => script.replace("  step datastore quick mount_datastore\n", "");
  const below = async () => {
    const look =
      "mkdir -p /below && mount --bind /var/lib/rancher /below && ls -A /below/k3s/server";
    return (await machine.run(["sh", "-c", `${look}; umount /below`])).output;
  };
  const certificate = () => machine.read(`${SERVER}/tls/client-admin.crt`);

  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
    script = machine.cloud.attributes["startup-script"] ?? "";
    expect(older()).not.toBe(script);
    withScript(older());
    await booted(machine);
    datastore = await certificate();
    expect((await machine.run(["mountpoint", "-q", SERVER])).status).not.toBe(0);
  });
  afterAll(() => remove());

  it("starts, and says so, if its disk is too full for the move", async () => {
    await machine.run(["dd", "if=/dev/zero", "of=/var/lib/rancher/full", "bs=1M", "count=70"]);
    await machine.powerOff();
    withScript(script);
    await booted(machine);
    expect(machine.steps.datastore).toMatch(
      /^ok the datastore stays where volumes and images can fill the disk: dd: .*No space left/,
    );
    expect(await machine.run(["ls", IMAGE, `${IMAGE}.new`])).toMatchObject({ status: 2 });
    expect(await certificate()).toBe(datastore);
  });

  it("moves the datastore at the next boot, with everything in it, also on a machine with another node password", async () => {
    await machine.run(["rm", "/var/lib/rancher/full", KEPT_PASSWORD, PASSWORD]);
    await machine.powerOff();
    await booted(machine);
    expect(await machine.read(PASSWORD)).toMatch(/^[0-9a-f]{32}\n$/);
    expect(await machine.read(KEPT_PASSWORD)).toBe(await machine.read(PASSWORD));
    expect(machine.steps.datastore).toMatch(/^ok got a file system of its own, \d+ s$/);
    expect((await machine.run(["mountpoint", "-q", SERVER])).status).toBe(0);
    expect(await certificate()).toBe(datastore);
    expect(await datastoreRelease(machine)).toBe(OLD);
    expect(published(machine)).toHaveLength(1);
    expect(await below()).toBe("");
  });

  it("does not begin a new cluster when the older release comes back", async () => {
    await machine.powerOff();
    withScript(older());
    const { status } = await machine.boot();
    expect(status).not.toBe(0);
    expect(await readiness(machine)).toBe("");
    expect(await below()).toBe("");
    await machine.powerOff();
    withScript(script);
    // This data disk's password counts, not that of the boot disk.
    machine.put(PASSWORD, "of another machine\n");
    await booted(machine);
    expect(await machine.read(PASSWORD)).toBe(await machine.read(KEPT_PASSWORD));
    expect(await certificate()).toBe(datastore);
    expect(published(machine)).toHaveLength(1);
  });
});
