import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { MAINTENANCE_KEY } from "../../../infra/machine/maintenance.ts";
import {
  gracefulShutdown,
  kubeletSettings,
  renderKubeletConfig,
} from "../../../infra/machine/node-settings.ts";
import { LOGGING_KEY, OPS_AGENT_VERSION, opsAgentValue } from "../../../infra/machine/ops-agent.ts";
import { SELF } from "../../../infra/machine/startup-script.ts";
import {
  askFor,
  datastoreRelease,
  freshMachine,
  k3sPid,
  OLD,
  published,
  readiness,
  setAttributes,
  startupScript,
} from "./fresh-machine.ts";
import type { HostMachine } from "./machine.ts";
import { publishOpsAgent, trustGoogle } from "./ops-agent/repository.ts";
import { typeHostRunbook } from "./runbook.ts";
import { told } from "./told.ts";

const NEXT = "v1.36.3+k3s1";
const LAST = "v1.36.6+k3s1";
const DATASTORE = "/var/lib/rancher/k3s/server/db/state.db";
const NODE_PASSWORD = "/etc/rancher/node/password";
const CERTIFICATE = "/var/lib/rancher/k3s/server/tls/client-admin.crt";

const STARTED = new Date();

/** A window that is open now, in which the machine may restart. */
const OPEN_NOW = `0 ${STARTED.getUTCHours()} 12 reboot`;

/** Another one, which began an hour earlier. */
const ALSO_OPEN = `0 ${(STARTED.getUTCHours() + 23) % 24} 12 reboot`;

/** What a year brings to one host, in the order of the tests. Each starts from the state that the one before left. */
describe("a year", () => {
  let dir = "";
  let machine: HostMachine;
  let remove: () => Promise<void>;
  let kubeconfig = "";

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "claude-gateway-snapshot-"));
    ({ machine, remove } = await freshMachine());
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
  });
  afterAll(async () => {
    await remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const upgraded = async (release: string) => {
    askFor(machine, machine.makeRelease(release));
    const answer = () => machine.steps.upgrade ?? "";
    await machine.until(
      `an answer to ${release}`,
      () => /^(ok|failed) .*-> /.test(answer()) && answer().includes(release),
    );
    return answer();
  };
  const maintained = async (what: RegExp) => {
    await machine.until(String(what), () => what.test(machine.steps.maintenance ?? ""));
  };

  it("survives a full disk, and an upgrade on it is rolled back", async () => {
    const fill = "dd if=/dev/zero of=/var/lib/rancher/k3s/server/filler bs=1M count=20";
    await machine.run(["sh", "-c", `${fill}; dd if=/dev/zero of=/var/lib/rancher/full bs=1M`]);
    expect(await upgraded(NEXT)).toMatch(
      /^failed .*: copying the datastore failed: .*No space left.*; rolled back to v1\.35\.4\+k3s1$/,
    );
    expect(await readiness(machine)).toBe(`${OLD} True`);
    const full = "ClaudeGatewayHostDiskFull /var/lib/rancher has 85 % or more of its space in use";
    await machine.until("both alerts", async () => {
      const alerts = await told(machine);
      return alerts.includes(full) && alerts.some((one) => one.includes("UpgradeFailed"));
    });
    const alerts = await told(machine);
    expect(alerts.filter((one) => one === full)).toHaveLength(1);
    expect(alerts.filter((one) => one.startsWith("ClaudeGatewayHostUpgradeFailed"))).toEqual([
      expect.stringMatching(
        / upgrade: .*: copying the datastore failed: .*; rolled back to v1\.35\.4\+k3s1$/,
      ),
    ]);
    expect(alerts.join()).not.toContain("ClaudeGatewayHostSetupFailed");
    await machine.run(["rm", "/var/lib/rancher/full", "/var/lib/rancher/k3s/server/filler"]);
  });

  it("is upgraded once there is room, when the release is asked for again", async () => {
    setAttributes(machine, { [MAINTENANCE_KEY]: OPEN_NOW });
    askFor(machine, machine.makeRelease(OLD));
    await machine.until("the old release", () => machine.steps.upgrade === `ok stays on ${OLD}`);
    expect(await upgraded(NEXT)).toBe(`ok ${OLD} -> ${NEXT}`);
  });

  describe("a full log", () => {
    /** A pod writes to its output faster than the kubelet rotates it. The container runtime stores it, as root. */
    const LOGS = "/var/log/pods/dev-e_runner_u/runner";
    const FILL = `mkdir -p ${LOGS} && cd ${LOGS} && fallocate -l 700M 0.log && dd if=/dev/zero of=1.log bs=4k`;
    const fill = async () => {
      const { output } = await machine.run(["bash", "-c", FILL]);
      expect(output).toContain("No space left on device");
    };
    const full = "ClaudeGatewayHostDiskFull / has 85 % or more of its space in use";
    const RESERVE = "/var/lib/claude-gateway/reserve";
    const reserved = async () => (await machine.run(["stat", "-c", "%s %b", RESERVE])).output;
    const reserveIsThere = () =>
      machine.until("the reserve", async () => (await reserved()) === "67108864 131072\n");

    const kubelet = () => machine.read("/etc/rancher/k3s/kubelet.yaml");
    /** Another configuration of the machine, for its next boot. Returns what the kubelet's file has in it. */
    const configure = (drainSeconds: number): string => {
      setAttributes(machine, { "startup-script": startupScript({ drainSeconds }) });
      return renderKubeletConfig({ ...kubeletSettings, ...gracefulShutdown(drainSeconds) });
    };
    const resets = async () => {
      await machine.powerOff();
      const { status, output } = await machine.boot();
      expect(status, output).toBe(0);
      expect(await readiness(machine)).toBe(`${NEXT} True`);
    };
    const notOk = () => Object.entries(machine.steps).filter(([, state]) => !/^ok/.test(state));
    let versions = 0;
    let last: string | undefined;

    it("refuses an upgrade for which the boot disk has no room, and goes on", async () => {
      await reserveIsThere();
      versions = published(machine).length;
      const pid = await k3sPid(machine);
      await fill();
      askFor(machine, machine.makeRelease(LAST));
      await machine.until("the refusal", () => /^failed /.test(machine.steps.upgrade ?? ""));
      expect(machine.steps.upgrade).toBe(
        `failed no room for k3s ${LAST} in /usr/local/bin, on the boot disk`,
      );
      expect(await k3sPid(machine)).toBe(pid);
      askFor(machine, machine.makeRelease(NEXT));
      await machine.until("the end", () => machine.steps.upgrade === `ok stays on ${NEXT}`);
    });

    it("starts with a new configuration, which gets the room of the reserve, and somebody is told once", async () => {
      const expected = configure(600);
      expect(await kubelet()).not.toBe(expected);
      await resets();
      expect(machine.steps.files).toMatch(
        /^ok the boot disk is full, its reserve of 64 MiB is spent, \d+ s$/,
      );
      expect(notOk()).toEqual([]);
      expect(await kubelet()).toBe(expected);
      last = expected;
      await machine.until("the alert", async () => (await told(machine)).length > 0);
      expect(await told(machine)).toEqual([full]);
    });

    it("starts with the last configuration when the reserve is spent as well, and says so", async () => {
      await fill();
      expect(await reserved()).toContain("No such file");
      configure(700);
      await resets();
      const reason =
        "the boot disk had no room for a new one, so the machine runs with the last one; make room, then reset the machine";
      expect(notOk()).toEqual([["configuration", `failed ${reason}`]]);
      expect(await kubelet()).toBe(last);
      await machine.until("both alerts", async () => (await told(machine)).length > 1);
      expect(await told(machine)).toEqual([
        full,
        `ClaudeGatewayHostSetupFailed configuration: ${reason}`,
      ]);
    });

    it("keeps the published kubeconfig while k3s has no room to write its own", async () => {
      const own = "/etc/rancher/k3s/k3s.yaml";
      const kept = await machine.read(own);
      expect(kept).toBe(published(machine).at(-1));
      await machine.run(["truncate", "--size=100", own]);
      const { status, output } = await machine.run([SELF, "publish-kubeconfig"]);
      expect(status).toBe(1);
      expect(output).toContain(`step publishing: failed: ${own} does not open the cluster: `);
      expect(published(machine)).toHaveLength(versions);
    });

    it("goes on by itself once there is room, and takes the reserve again", async () => {
      await machine.run(["rm", "-r", LOGS]);
      await reserveIsThere();
      const expected = configure(700);
      await resets();
      expect(notOk()).toEqual([]);
      expect(machine.steps.files).toMatch(/^ok \d+ s$/);
      expect(await kubelet()).toBe(expected);
      expect(published(machine)).toHaveLength(versions);
    });
  });

  it("renews a certificate that ends soon, and publishes the new kubeconfig", async () => {
    const pid = await k3sPid(machine);
    await machine.run([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-nodes", "-subj", "/CN=system:admin", "-days", "30", "-keyout", "/dev/null"],
      ...["-out", CERTIFICATE],
    ]);
    await maintained(/^ok last: 20\S+Z restarted k3s: certificate \S+ was about to end/);
    expect(await k3sPid(machine)).not.toBe(pid);
    await machine.until("the new kubeconfig", () => published(machine).length > 1);
    kubeconfig = published(machine).at(-1) ?? "";
  });

  it("takes a new kernel in the next window, and comes back with what it had", async () => {
    const before = await machine.read(DATASTORE);
    // Another window, so that this one is not the one in which k3s was restarted.
    setAttributes(machine, { [MAINTENANCE_KEY]: ALSO_OPEN });
    await machine.run(["touch", "/run/reboot-required"]);
    const asked = async () => (await machine.read("/run/stand-in-systemd/reboot")) !== undefined;
    await machine.until("the restart", asked);
    await machine.powerOff();
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
    await maintained(/^ok last: 20\S+Z restarted the machine: Debian asks for it/);
    expect(await readiness(machine)).toBe(`${NEXT} True`);
    expect(await machine.read(DATASTORE)).toBe(before);
  });

  it("comes back on a new machine from a snapshot that was taken while k3s ran, after its disk is lost", async () => {
    const before = await machine.read(DATASTORE);
    const password = await machine.read(NODE_PASSWORD);
    // A day passes, and with it everything reaches the disk.
    await machine.run(["sync"]);
    machine.snapshotTo(join(dir, "snapshot.img"));
    await machine.run(["rm", "-r", "/var/lib/rancher/k3s/server"]);
    await remove();

    ({ machine, remove } = await freshMachine(undefined, join(dir, "snapshot.img")));
    // The host's configuration still asks for the release that it was upgraded to.
    askFor(machine, machine.makeRelease(NEXT));
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
    expect(machine.steps.disk).not.toContain("formatted");
    expect(await readiness(machine)).toBe(`${NEXT} True`);
    expect(await machine.read(DATASTORE)).toBe(before);
    expect(await machine.read(NODE_PASSWORD)).toBe(password);
    // The secret still has it.
    expect(published(machine)).toEqual([]);
    expect(await machine.read("/etc/rancher/k3s/k3s.yaml")).toBe(kubeconfig);
  });

  it("is upgraded again after the restore", async () => {
    expect(await upgraded(LAST)).toBe(`ok ${NEXT} -> ${LAST}`);
    expect(await readiness(machine)).toBe(`${LAST} True`);
    expect(await datastoreRelease(machine)).toBe(LAST);
  });

  const readsNow = async () =>
    ((await machine.read("/run/stand-in-systemd/google-cloud-ops-agent.service.log")) ?? "")
      .split("\n")
      .filter((line) => line !== "");
  const logging = async (state: string | RegExp) => {
    await machine.until(String(state), () => new RegExp(state).test(machine.steps.logging ?? ""));
  };

  it("does not lose the cluster because the Ops Agent cannot be installed, and somebody is told", async () => {
    publishOpsAgent(machine, OPS_AGENT_VERSION);
    const pid = await k3sPid(machine);
    setAttributes(machine, { [LOGGING_KEY]: opsAgentValue(["claude-gateway"]) });
    await logging(/^failed the image does not trust packages\.cloud\.google\.com/);
    await machine.until("the alert", async () =>
      (await told(machine)).some((one) => /^ClaudeGatewayHostSetupFailed logging: /.test(one)),
    );
    expect(await k3sPid(machine)).toBe(pid);
  });

  it("sends the logs of the named namespaces, audit and system, with the pinned Ops Agent", async () => {
    const logs = ["claude-gateway_gateway-1_u/envoy/0.log", "dev-e_runner_u/runner/0.log"];
    const others = ["dev-f_runner_u/runner/0.log", "dev-e_runner_u/runner/0.log.20261126-1"];
    for (const log of [...logs, ...others].map((log) => `/var/log/pods/${log}`)) {
      await machine.run(["sh", "-c", `mkdir -p "$(dirname ${log})" && touch ${log}`]);
    }
    await machine.run(["touch", "/var/lib/rancher/audit/audit.log"]);
    await trustGoogle(machine);
    await logging(`^ok Ops Agent ${OPS_AGENT_VERSION}$`);
    const version = ["dpkg-query", "-W", "-f", "${Version}", "google-cloud-ops-agent"];
    expect((await machine.run(version)).output).toBe(`${OPS_AGENT_VERSION}~debian13`);
    const audit = "claude_gateway_audit reads /var/lib/rancher/audit/audit.log";
    const pods = (log = "") => `claude_gateway_pods reads /var/log/pods/${log}`;
    expect(await readsNow()).toEqual([audit, pods(logs[0])]);

    // An agent's namespace is added: a new configuration, and no other release.
    setAttributes(machine, { [LOGGING_KEY]: opsAgentValue(["claude-gateway", "dev-e"]) });
    await machine.until("both", async () => (await readsNow()).length === 5);
    expect((await readsNow()).slice(2)).toEqual([audit, ...logs.map(pods)]);
  });

  it("says so if the Ops Agent refuses its configuration", async () => {
    const [release = "", ...lines] = opsAgentValue(["claude-gateway"]).split("\n");
    const wrong = lines.join("\n").replace("include_paths", "paths");
    setAttributes(machine, { [LOGGING_KEY]: `${release}\n${wrong}` });
    await logging(
      /^failed the Ops Agent did not start: Job for google-cloud-ops-agent\.service failed/,
    );
    expect(await readsNow()).toContain(
      'The agent config file is not valid. Detailed error: receivers.claude_gateway_pods: unknown field "paths"',
    );
  });

  it("removes the Ops Agent when no logs are asked for", async () => {
    const attributes = Object.entries(machine.cloud.attributes).filter(
      ([key]) => key !== LOGGING_KEY,
    );
    machine.cloud = { ...machine.cloud, attributes: Object.fromEntries(attributes) };
    await logging(/^ok no logs are sent$/);
    const { output } = await machine.run(["dpkg-query", "-W", "google-cloud-ops-agent"]);
    expect(output).toContain("no packages found");
    expect(await machine.read("/etc/apt/sources.list.d/google-cloud-ops-agent.list")).toBe(
      undefined,
    );
  });

  it("has a runbook whose every command works", async () => {
    const typed = await typeHostRunbook(machine);
    expect(typed.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    const read = typed.filter(({ line }) => line.startsWith("gcloud logging read"));
    expect(read.map(({ output }) => output !== "")).toEqual([true, true, true]);
    expect(typed[0]?.output).toContain(`ready, k3s ${LAST}`);
    expect(typed.length).toBeGreaterThan(12);
    expect(await readiness(machine)).toBe(`${LAST} True`);
  });
});
