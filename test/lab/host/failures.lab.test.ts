import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  askFor,
  freshMachine,
  k3sPid,
  KUBECONFIG_SECRET,
  OLD,
  published,
  readiness,
  setSecret,
  TOKEN,
  TOKEN_SECRET,
} from "./fresh-machine.ts";
import type { HostMachine } from "./machine.ts";
import { alertsOn } from "./told.ts";

const NEXT = "v1.36.3+k3s1";
const ASSET_HOST = "release-assets.githubusercontent.com";

/** One machine, booted until every cause of failure is fixed. Each boot continues where the last one failed. */
describe("boots that fail", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  let release = "";
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
    release = machine.makeRelease(OLD);
    askFor(machine, release);
  });
  afterAll(() => remove());

  /** Boots again, expects a failure, and returns the failed step with its message. */
  async function failingBoot(): Promise<[string, string]> {
    await machine.powerOff();
    const { status, output } = await machine.boot();
    expect(status, output).not.toBe(0);
    const failed = Object.entries(machine.steps).filter(([, state]) => state.startsWith("failed"));
    expect(failed).toHaveLength(1);
    const [step = "", state = ""] = failed[0] ?? [];
    expect(output).toContain(`claude-gateway: step ${step}: ${state.replace(" ", ": ")}`);
    expect(Object.keys(machine.steps).at(-1)).toBe(step);
    expect(machine.steps.watch).toMatch(/^ok/);
    expect(await readiness(machine)).toBe("");
    expect(await machine.read("/usr/local/bin/k3s")).toBeUndefined();
    return [step, state];
  }

  it("stops without ipset", async () => {
    await machine.switchOn();
    const archive = "/var/cache/apt/archives";
    await machine.run(["sh", "-c", `mkdir /kept && mv ${archive}/ipset_* /kept`]);
    const [step, state] = await failingBoot();
    expect(step).toBe("packages");
    expect(state).toMatch(/^failed apt-get install ipset jq nftables: E: .*ipset/);
    await machine.run(["sh", "-c", `mv /kept/* ${archive}`]);
  });

  it("names a secret that it may not read or that does not exist", async () => {
    setSecret(machine, TOKEN_SECRET, {});
    expect(await failingBoot()).toEqual([
      "token",
      `failed reading secret ${TOKEN_SECRET}: HTTP 403: Permission denied on resource ${TOKEN_SECRET} (or it may not exist).`,
    ]);
  });

  it("stops at once if a secret has no version", async () => {
    setSecret(machine, TOKEN_SECRET, { grant: "Accessor" });
    const before = machine.requests.length;
    expect(await failingBoot()).toEqual([
      "token",
      `failed reading secret ${TOKEN_SECRET}: HTTP 404: Secret [${TOKEN_SECRET}] not found or has no versions.`,
    ]);
    const asked = machine.requests.slice(before).filter(({ path }) => path.includes(TOKEN_SECRET));
    expect(asked).toHaveLength(1);
  });

  it("names a release that does not exist", async () => {
    setSecret(machine, TOKEN_SECRET, { grant: "Accessor", value: TOKEN });
    const { releases } = machine.cloud;
    machine.cloud = { ...machine.cloud, releases: {} };
    const [step, state] = await failingBoot();
    expect(step).toBe("k3s");
    expect(state).toMatch(/^failed download of k3s v1\.35\.4\+k3s1 failed: curl: \(22\) .* 404/);
    machine.cloud = { ...machine.cloud, releases };
  });

  it("rejects an incomplete download", async () => {
    const { file } = machine.cloud.releases[OLD] ?? { file: "" };
    machine.cloud = { ...machine.cloud, releases: { [OLD]: { file, truncated: true } } };
    const [step, state] = await failingBoot();
    expect(step).toBe("k3s");
    expect(state).toMatch(/^failed download of k3s v1\.35\.4\+k3s1 failed: curl: \((18|56)\)/);
    machine.cloud = { ...machine.cloud, releases: { [OLD]: { file } } };
  });

  it("installs only a binary with the pinned checksum", async () => {
    const { file } = machine.cloud.releases[OLD] ?? { file: "" };
    writeFileSync(file, "#!/bin/sh\necho something else\n");
    const [step, state] = await failingBoot();
    expect(step).toBe("k3s");
    expect(state).toMatch(
      /^failed k3s v1\.35\.4\+k3s1 has SHA-256 [0-9a-f]{64}, but [0-9a-f]{64} is pinned$/,
    );
    expect(state).toContain(release.split(" ")[1]);
    expect(machine.makeRelease(OLD)).toBe(release);
  });

  it("reports that the kubeconfig cannot be published", async () => {
    setSecret(machine, KUBECONFIG_SECRET, {});
    await machine.powerOff();
    const { status } = await machine.boot();
    expect(status).not.toBe(0);
    expect(machine.steps.kubeconfig).toContain(
      `failed adding a version to secret ${KUBECONFIG_SECRET}`,
    );
    expect(await readiness(machine)).toBe(`${OLD} True`);
    expect(published(machine)).toEqual([]);
    const { output } = await machine.run(["/usr/local/sbin/claude-gateway-host", "tell"]);
    expect(alertsOn(output).filter((one) => !one.includes("DiskFull"))).toEqual([
      `ClaudeGatewayHostSetupFailed kubeconfig: ${machine.steps.kubeconfig?.replace("failed ", "") ?? ""}`,
    ]);
    // Said once an hour.
    const again = await machine.run(["/usr/local/sbin/claude-gateway-host", "tell"]);
    expect(alertsOn(again.output)).toEqual([]);
  });

  it("becomes ready once every cause is fixed, also if older versions cannot be listed", async () => {
    setSecret(machine, KUBECONFIG_SECRET, { grant: "VersionAdder" });
    await machine.powerOff();
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
    expect(await readiness(machine)).toBe(`${OLD} True`);
    expect(published(machine)).toHaveLength(1);
    expect(output).toContain(`listing the versions of secret ${KUBECONFIG_SECRET}: HTTP 403`);
  });
});

/** One machine that nobody resets. */
describe("a first start that takes longer than the boot waits", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
    askFor(machine, machine.makeRelease(OLD, "slow"));
  });
  afterAll(() => remove());

  it("fails, and is finished by the watch once k3s is ready", async () => {
    const { status } = await machine.boot();
    expect(status).not.toBe(0);
    expect(machine.steps.start).toMatch(/^failed k3s v1\.35\.4\+k3s1 was not ready after 8 s/);
    expect(published(machine)).toEqual([]);
    const pid = await k3sPid(machine);
    await machine.until("the set-up is done", () => machine.steps.kubeconfig !== undefined);
    await machine.until("published", () => machine.steps.kubeconfig?.startsWith("ok") ?? false);
    expect(machine.steps.start).toMatch(/^ok/);
    expect(await k3sPid(machine)).toBe(pid);
    expect(published(machine)).toHaveLength(1);
  });

  it("has not made the machine deaf to upgrades", async () => {
    askFor(machine, machine.makeRelease(NEXT));
    await machine.until("the upgrade", () => machine.steps.upgrade === `ok ${OLD} -> ${NEXT}`);
  });
});

describe("a download that fails for a while", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
  });
  afterAll(() => remove());

  it("is tried again within the same boot", async () => {
    const { file } = machine.cloud.releases[OLD] ?? { file: "" };
    machine.cloud = { ...machine.cloud, releases: { [OLD]: { file, truncated: true } } };
    const booted = machine.boot();
    const asked = () =>
      machine.requests.filter(({ host, status }) => host === ASSET_HOST && status === 200);
    await machine.until("two attempts", () => asked().length >= 2);
    machine.cloud = { ...machine.cloud, releases: { [OLD]: { file } } };
    const { status, output } = await booted;
    expect(status, output).toBe(0);
    expect(output).toMatch(/download of k3s v1\.35\.4\+k3s1: curl: .*, attempt 2 of 8/);
    expect(await readiness(machine)).toBe(`${OLD} True`);
  });
});
