import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { datastoreRelease, freshMachine, OLD, published, readiness } from "./fresh-machine.ts";
import type { HostMachine } from "./machine.ts";

let dir = "";
let lost: { readonly machine: HostMachine; readonly remove: () => Promise<void> };
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "claude-gateway-snapshot-"));
  lost = await freshMachine();
  const { status, output } = await lost.machine.boot();
  expect(status, output).toBe(0);
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

it("boots a new machine with the cluster of a snapshot that was taken while k3s ran", async () => {
  const datastore = "/var/lib/rancher/k3s/server/db/state.db";
  const before = await lost.machine.read(datastore);
  const kubeconfig = published(lost.machine);
  // A day passes, and with it everything reaches the disk.
  await lost.machine.run(["sync"]);
  lost.machine.snapshotTo(join(dir, "snapshot.img"));
  await lost.machine.run(["rm", "-r", "/var/lib/rancher/k3s/server"]);
  await lost.remove();

  const { machine, remove } = await freshMachine(undefined, join(dir, "snapshot.img"));
  try {
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
    expect(machine.steps.disk).not.toContain("formatted");
    expect(await readiness(machine)).toBe(`${OLD} True`);
    expect(await datastoreRelease(machine)).toBe(OLD);
    expect(await machine.read(datastore)).toBe(before);
    // The secret still has it.
    expect(published(machine)).toEqual([]);
    expect(await machine.read("/etc/rancher/k3s/k3s.yaml")).toBe(kubeconfig[0]);
  } finally {
    await remove();
  }
});
