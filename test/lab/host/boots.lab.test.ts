import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  PROVIDER,
  PROVIDER_DIR,
  PULL_SECRET_KEY,
  pullCredentialsText,
} from "../../../infra/machine/registries/registries.ts";
import { KUBECONFIG_SECRET_KEY } from "../../../infra/machine/startup-script.ts";
import {
  destroyed,
  freshMachine,
  KUBECONFIG_SECRET,
  OLD,
  published,
  readiness,
  setAttributes,
  setSecret,
  TOKEN,
  TOKEN_SECRET,
} from "./fresh-machine.ts";
import { ACCESS_TOKEN } from "./google-services.ts";
import type { HostMachine } from "./machine.ts";
import { alertsOn, told } from "./told.ts";

describe("first and second boot", () => {
  let machine: HostMachine;
  let serial = "";
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
    setSecret(machine, TOKEN_SECRET, { grant: "Accessor", value: TOKEN, refusals: 2 });
    setSecret(machine, KUBECONFIG_SECRET, { grant: "VersionManager", refusals: 1 });
    const { status, output } = await machine.boot();
    serial = output;
    expect(status, output).toBe(0);
  });
  afterAll(() => remove());

  it("reports every step on the serial console and in the guest attribute", () => {
    const started = [...serial.matchAll(/^claude-gateway: step (\w+): running$/gm)].map(
      ([, s]) => s,
    );
    expect(started).toEqual([
      ...["files", "watch", "packages", "disk", "datastore", "kernel", "firewall", "token"],
      ...["recovery", "k3s", "start", "kubeconfig"],
    ]);
    // The watch may have looked after the maintenance already.
    const steps = Object.entries(machine.steps).filter(([step]) => step !== "maintenance");
    expect(steps.map(([step]) => step)).toEqual(started);
    expect(steps.map(([, state]) => state).map((step) => step.replace(/\d+ s$/, "N s"))).toEqual([
      "ok N s",
      "ok N s",
      "ok installed ipset jq nftables, N s",
      "ok formatted, N s",
      "ok got a file system of its own, N s",
      "ok N s",
      "ok N s",
      "ok fetched, N s",
      "ok N s",
      `ok ${OLD}, N s`,
      "ok N s",
      `ok new version of ${KUBECONFIG_SECRET}, N s`,
    ]);
  });

  it("writes guest attributes no more often than GCE accepts them", () => {
    const puts = machine.requests.filter(({ method }) => method === "PUT");
    expect(puts.length).toBeLessThanOrEqual(10);
    expect(puts.length).toBeGreaterThan(1);
  });

  it("installs the pinned release and starts it with its token, behind the firewall", async () => {
    expect(await readiness(machine)).toBe(`${OLD} True`);
    const tables = await machine.run(["nft", "list", "tables"]);
    expect(tables.output).toBe("table inet claude_gateway_test\n");
    const token = await machine.run(["stat", "-c", "%a %U", "/etc/rancher/k3s/token"]);
    expect(token.output).toBe("600 root\n");
    expect(await machine.read("/etc/rancher/k3s/token")).toBe(TOKEN);
    const disk = await machine.run(["findmnt", "-no", "FSTYPE,OPTIONS", "/var/lib/rancher"]);
    expect(disk.output).toMatch(/^ext4\s+rw,noatime/);
  });

  it("lets the kubelet delay a shutdown for as long as pods may take to end, which Debian does not", async () => {
    const debian = "/usr/lib/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf";
    expect(await machine.read(debian)).toMatch(/^InhibitDelayMaxSec=30$/m);
    expect(await machine.read("/run/inhibitors")).toBe("kubelet delays a shutdown, up to 980 s\n");
  });

  it("answers the kubelet's question for credentials, from the account and from the secret", async () => {
    const secret = "projects/p/secrets/gateway-host-pull-credentials";
    const ask = (image: string) => {
      const apiVersion = "credentialprovider.kubelet.k8s.io/v1";
      const input = JSON.stringify({ kind: "CredentialProviderRequest", apiVersion, image });
      return machine.run([`${PROVIDER_DIR}/${PROVIDER}`], { input });
    };
    const auth = async (image: string): Promise<unknown> =>
      (JSON.parse((await ask(image)).output) as { auth: unknown }).auth;
    expect(await auth("europe-west1-docker.pkg.dev/p/agents/tool")).toEqual({
      "europe-west1-docker.pkg.dev": { username: "oauth2accesstoken", password: ACCESS_TOKEN },
    });
    setAttributes(machine, { [PULL_SECRET_KEY]: secret });
    expect(await ask("ghcr.io/octo-org/tool")).toEqual({
      status: 1,
      output: `Secret Manager, asked for ${secret}, answered HTTP 403: Permission denied on resource ${secret} (or it may not exist).\n`,
    });
    const stored = { registry: "ghcr.io", username: "octo-bot", password: "p" };
    setSecret(machine, secret, { grant: "Accessor", value: pullCredentialsText([stored]) });
    expect(await auth("ghcr.io/octo-org/tool")).toEqual({
      "ghcr.io": { username: "octo-bot", password: "p" },
    });
  });

  it("retries until a new IAM grant works", () => {
    const asked = machine.requests.filter(({ path }) => path.includes(TOKEN_SECRET));
    expect(asked.map(({ status }) => status)).toEqual([403, 403, 200]);
  });

  it("publishes the kubeconfig once, unchanged from k3s", async () => {
    expect(published(machine)).toEqual([await machine.read("/etc/rancher/k3s/k3s.yaml")]);
    expect(destroyed(machine)).toEqual([]);
  });

  it("does not reveal the token anywhere else", async () => {
    expect(serial).not.toContain(TOKEN);
    expect(JSON.stringify(machine.requests)).not.toContain(TOKEN);
    expect(JSON.stringify(machine.cloud.attributes)).not.toContain(TOKEN);
    const found = await machine.run([
      ...["grep", "-rl", "--exclude-dir=proc", "--exclude-dir=sys", TOKEN],
      ...["/etc", "/run", "/tmp", "/usr/local", "/var"],
    ]);
    expect(found.output).toBe("/etc/rancher/k3s/token\n");
  });

  it("changes nothing at the second boot", async () => {
    const datastore = await machine.read("/var/lib/rancher/k3s/server/db/state.db");
    await machine.powerOff();
    const before = machine.requests.length;
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
    expect(await readiness(machine)).toBe(`${OLD} True`);
    expect(await machine.read("/var/lib/rancher/k3s/server/db/state.db")).toBe(datastore);
    const hosts = machine.requests.slice(before).map(({ host }) => host);
    expect(new Set(hosts)).toEqual(new Set(["169.254.169.254"]));
    expect(machine.steps.packages).not.toContain("installed");
    expect(machine.steps.disk).not.toContain("formatted");
    expect(machine.steps.datastore).toMatch(/^ok \d+ s$/);
  });

  it("publishes the kubeconfig again after a certificate renewal, also between boots", async () => {
    await machine.run(["rm", "/var/lib/rancher/k3s/server/tls/client-admin.crt"]);
    await machine.run(["systemctl", "restart", "k3s.service"]);
    await machine.until("a second version", () => published(machine).length === 2);
    expect(published(machine)[1]).toBe(await machine.read("/etc/rancher/k3s/k3s.yaml"));
    expect(published(machine)[1]).not.toBe(published(machine)[0]);
    await machine.until("the first version's end", () => destroyed(machine).length > 0);
    expect(destroyed(machine)).toEqual(["1"]);
  });

  it("publishes the kubeconfig again to a secret that was created again, and says so while it cannot", async () => {
    const tries = async () => {
      const log = await machine.read("/run/stand-in-systemd/claude-gateway-watch.service.log");
      return [...(log ?? "").matchAll(/: HTTP 403, attempt (\d+ of \d+)$/gm)].map(([, one]) => one);
    };
    const before = (await tries()).length;
    setSecret(machine, KUBECONFIG_SECRET, {});
    setAttributes(machine, {
      [KUBECONFIG_SECRET_KEY]: `${KUBECONFIG_SECRET} 2026-12-01T00:00:00Z`,
    });
    const adding = `adding a version to secret ${KUBECONFIG_SECRET}`;
    const refused = `${adding}: HTTP 403: Permission denied on resource ${KUBECONFIG_SECRET} (or it may not exist).`;
    await machine.until("another round", async () => (await tries()).length > before + 8);
    expect((await tries()).slice(before, before + 9)).toEqual([
      ...Array.from({ length: 8 }, (_, one) => `${one + 1} of 8`),
      "1 of 1",
    ]);
    expect(machine.steps.publishing).toBe(`failed ${refused}`);
    const alert = `ClaudeGatewayHostSetupFailed publishing: ${refused}`;
    await machine.until("the alert", async () => (await told(machine)).includes(alert));
    // The machine stays set up.
    expect(machine.steps.kubeconfig).toMatch(/^ok/);

    setSecret(machine, KUBECONFIG_SECRET, { grant: "VersionManager" });
    await machine.until("a third version", () => published(machine).length === 3);
    await machine.until("the second version's end", () => destroyed(machine).length > 1);
    expect(destroyed(machine)).toEqual(["1", "2"]);
    const done = `ok new version of ${KUBECONFIG_SECRET}`;
    await machine.until("the report", () => machine.steps.publishing === done);
  });

  it("says so if k3s is down in two rounds, once, and not before a shutdown or before the set-up has ended", async () => {
    await machine.run(["systemctl", "stop", "claude-gateway-watch.service"]);
    const round = async () => {
      const { status, output } = await machine.run(["/usr/local/sbin/claude-gateway-host", "tell"]);
      expect(status, output).toBe(0);
      return alertsOn(output).filter((one) => one.startsWith("ClaudeGatewayHostClusterDown"));
    };
    const k3s = async (verb: "start" | "stop") => {
      await machine.run(["systemctl", verb, "k3s.service"]);
      const expected = verb === "start" ? `${OLD} True` : "";
      await machine.until(verb, async () => (await readiness(machine)) === expected);
    };
    const nodeIs = (state: string) =>
      machine.run(["sh", "-c", "cat >/run/k3s-ready"], { input: `${OLD} ${state}\n` });

    expect([await round(), await round()]).toEqual([[], []]);
    // Two restarts, each in one round.
    for (let restart = 0; restart < 2; restart++) {
      await k3s("stop");
      expect(await round()).toEqual([]);
      await k3s("start");
      expect(await round()).toEqual([]);
    }
    await k3s("stop");
    const silent = "ClaudeGatewayHostClusterDown the API of k3s does not answer";
    expect([await round(), await round(), await round()]).toEqual([[], [silent], []]);
    await k3s("start");
    expect(await round()).toEqual([]);

    await nodeIs("False node is shutting down");
    expect([await round(), await round()]).toEqual([[], []]);
    await nodeIs("False container runtime is down");
    const notReady = "ClaudeGatewayHostClusterDown the node is not Ready";
    expect([await round(), await round()]).toEqual([[], [notReady]]);

    await k3s("stop");
    await machine.run(["rm", "-r", "/run/claude-gateway/said"]);
    await machine.run(["sed", "-i", "/^kubeconfig/d", "/run/claude-gateway/steps"]);
    expect([await round(), await round()]).toEqual([[], []]);
  });
});
