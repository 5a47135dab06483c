import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { askFor, datastoreRelease, freshMachine, k3sPid, OLD, readiness } from "./fresh-machine.ts";
import type { HostMachine } from "./machine.ts";

const NEXT = "v1.36.3+k3s1";
const CRASHES = "v1.36.4+k3s1";
const HANGS = "v1.36.5+k3s1";
const LAST = "v1.36.6+k3s1";
const STATE = "/var/lib/rancher/claude-gateway";

/** One machine through several releases. Each upgrade starts from the state that the one before left. */
describe("upgrades", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
  });
  afterAll(() => remove());

  /** Requests a release and waits until the machine reports a result. */
  async function upgradeTo(release: string): Promise<string> {
    askFor(machine, release);
    const version = release.split(" ")[0] ?? "";
    const done = (): boolean => {
      const state = machine.steps.upgrade ?? "";
      return state.includes(`-> ${version}`) && !state.startsWith("running");
    };
    await machine.until(`an answer to ${version}`, done);
    return machine.steps.upgrade ?? "";
  }

  it("upgrades to the next minor and keeps a copy of the datastore", async () => {
    const before = await machine.read("/var/lib/rancher/k3s/server/db/state.db");
    expect(await upgradeTo(machine.makeRelease(NEXT))).toBe(`ok ${OLD} -> ${NEXT}`);
    expect(await readiness(machine)).toBe(`${NEXT} True`);
    expect(await datastoreRelease(machine)).toBe(NEXT);
    expect(await machine.read(`${STATE}/datastore/db/state.db`)).toBe(before);
  });

  it.each([
    ["v1.38.0+k3s1", "skips a minor: upgrade to v1.37 first"],
    [OLD, "is a downgrade: the datastore cannot go back; restore a snapshot instead"],
  ])("refuses %s and leaves k3s alone", async (version, refusal) => {
    const pid = await k3sPid(machine);
    const before = machine.requests.length;
    expect(await upgradeTo(machine.makeRelease(version))).toBe(
      `refused ${NEXT} -> ${version} ${refusal}`,
    );
    expect(await k3sPid(machine)).toBe(pid);
    const hosts = machine.requests.slice(before).map(({ host }) => host);
    expect(hosts).not.toContain("github.com");
  });

  it("reports that it stays when the running release is requested again", async () => {
    askFor(machine, machine.makeRelease(NEXT));
    await machine.until("a new state", () => machine.steps.upgrade === `ok stays on ${NEXT}`);
  });

  it("leaves k3s alone if the download does not have the pinned checksum", async () => {
    const pid = await k3sPid(machine);
    machine.makeRelease(LAST);
    askFor(machine, `${LAST} ${"0".repeat(64)}`);
    await machine.until("a failure", () => machine.steps.upgrade?.startsWith("failed") ?? false);
    expect(machine.steps.upgrade).toMatch(
      /^failed k3s v1\.36\.6\+k3s1 has SHA-256 [0-9a-f]{64}, but 0{64} is pinned$/,
    );
    expect(await k3sPid(machine)).toBe(pid);
  });

  it("rolls back, including the datastore, if the new release does not start", async () => {
    expect(await upgradeTo(machine.makeRelease(CRASHES, "crashes"))).toBe(
      `failed ${NEXT} -> ${CRASHES}: k3s ${CRASHES} was not ready after 8 s (the API does not answer): ` +
        "panic: stand-in crashes; rolled back to v1.36.3+k3s1",
    );
    expect(await readiness(machine)).toBe(`${NEXT} True`);
    expect(await datastoreRelease(machine)).toBe(NEXT);
  });

  it("rolls back if the disk is too full for a copy of the datastore", async () => {
    const fill = "dd if=/dev/zero of=/var/lib/rancher/k3s/server/filler bs=1M count=20";
    await machine.run(["sh", "-c", `${fill}; dd if=/dev/zero of=/var/lib/rancher/full bs=1M`]);
    const state = await upgradeTo(machine.makeRelease(LAST));
    expect(state).toMatch(
      /^failed v1\.36\.3\+k3s1 -> v1\.36\.6\+k3s1: copying the datastore failed: .*No space left/,
    );
    expect(state).toMatch(/; rolled back to v1\.36\.3\+k3s1$/);
    expect(await readiness(machine)).toBe(`${NEXT} True`);
    await machine.run(["rm", "/var/lib/rancher/full", "/var/lib/rancher/k3s/server/filler"]);
  });

  it("rolls back at the next boot after the machine went down during an upgrade", async () => {
    askFor(machine, machine.makeRelease(HANGS, "hangs"));
    await machine.until("migrated", async () => (await datastoreRelease(machine)) === HANGS);
    await machine.powerOff();
    askFor(machine, machine.makeRelease(NEXT));
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
    expect(machine.steps.recovery).toMatch(/^ok rolled back an upgrade that did not finish/);
    expect(await readiness(machine)).toBe(`${NEXT} True`);
    expect(await datastoreRelease(machine)).toBe(NEXT);
  });

  it("upgrades at boot to a release that was requested while it was off", async () => {
    await machine.powerOff();
    askFor(machine, machine.makeRelease(LAST));
    await machine.boot();
    await machine.until("the upgrade", () => machine.steps.upgrade === `ok ${NEXT} -> ${LAST}`);
    expect(await readiness(machine)).toBe(`${LAST} True`);
  });
});
