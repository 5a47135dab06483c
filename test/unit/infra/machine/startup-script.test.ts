import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

import {
  renderAdmissionConfig,
  renderAuditPolicy,
  renderK3sConfig,
} from "../../../../infra/machine/k3s-config.ts";
import { kubeletSettings, renderKubeletConfig } from "../../../../infra/machine/node-settings.ts";
import { renderStartupScript } from "../../../../infra/machine/startup-script.ts";
import { renderJournalLimit, renderK3sUnit } from "../../../../infra/machine/units.ts";
import { UPGRADE_CASES } from "./upgrade-cases.ts";

const script = renderStartupScript({ nodeName: "gateway-host", nodeFirewall: "table inet t {}\n" });

/** Runs shell code with the script's functions but without its main part. */
function inScript(code: string): { readonly stdout: string; readonly status: number | null } {
  const functions = script.replace(/\nmain "\$@"\n$/, "\n");
  return spawnSync("bash", ["-c", `${functions}\n${code}`], { encoding: "utf8" });
}

// CI installs shellcheck. Where it is missing, only this test is skipped.
const lintable =
  process.env.CI !== undefined || spawnSync("shellcheck", ["-V"]).error === undefined;

describe("the startup script", () => {
  it.runIf(lintable)("passes shellcheck", () => {
    const { stdout, status, error } = spawnSync("shellcheck", ["-"], {
      input: script,
      encoding: "utf8",
    });
    expect(error).toBeUndefined();
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });

  it("is small enough for a metadata value", () => {
    expect(Buffer.byteLength(script)).toBeLessThan(256 * 1024);
  });

  it("contains no release and no checksum, because these come from the metadata key", () => {
    expect(script).not.toMatch(/v1\.\d+\.\d+\+k3s\d/);
    expect(script).not.toMatch(/\b[0-9a-f]{64}\b/);
  });

  it("pipes no download into a shell", () => {
    expect(script).not.toMatch(/\|\s*(ba|da|)sh\b/);
    expect(script).not.toMatch(/get\.k3s\.io/);
  });

  it("passes the access token to no process as an argument", () => {
    const lines = script.split("\n").filter((line) => line.includes("$token"));
    expect(lines).toEqual([expect.stringContaining("--config <(printf")]);
  });

  it("applies the same upgrade rules as the preview", () => {
    const calls = UPGRADE_CASES.map(({ from, to }) => `upgrade_problem '${from}' '${to}'; echo`);
    const { stdout, status } = inScript(calls.join("\n"));
    expect(status).toBe(0);
    const said = stdout.trimEnd().split("\n");
    UPGRADE_CASES.forEach(({ from, to, refusal }, index) => {
      const expected = refusal === undefined ? "" : `${from} -> ${to} ${refusal}`;
      expect(said[index]?.slice(0, expected.length || undefined)).toBe(expected);
    });
  });

  it("refuses on the machine a text that is not a release", () => {
    expect(inScript("upgrade_problem v1.36.3+k3s1 latest").stdout).toBe(
      "latest is not a k3s release",
    );
  });

  it.each([
    // now, day, hour, hours; opened, closes, next
    ["2026-11-25T17:00", 7, 4, 2, "2026-11-22T04:00", "2026-11-22T06:00", "2026-11-29T04:00"],
    ["2026-11-29T03:59", 7, 4, 2, "2026-11-22T04:00", "2026-11-22T06:00", "2026-11-29T04:00"],
    ["2026-11-29T04:00", 7, 4, 2, "2026-11-29T04:00", "2026-11-29T06:00", "2026-12-06T04:00"],
    ["2026-11-30T00:30", 7, 23, 3, "2026-11-29T23:00", "2026-11-30T02:00", "2026-12-06T23:00"],
    ["2026-11-30T10:00", 1, 4, 2, "2026-11-30T04:00", "2026-11-30T06:00", "2026-12-07T04:00"],
    ["2026-11-25T00:30", 0, 22, 3, "2026-11-24T22:00", "2026-11-25T01:00", "2026-11-25T22:00"],
    ["2026-12-31T23:00", 0, 22, 1, "2026-12-31T22:00", "2026-12-31T23:00", "2027-01-01T22:00"],
  ] as const)("at %s knows the window of day %i, hour %i, %i hours", (...row) => {
    const [now, day, hour, hours, ...expected] = row;
    const seconds = Date.parse(`${now}Z`) / 1000;
    const { stdout } = inScript(`now() { echo ${seconds}; }; window ${day} ${hour} ${hours}`);
    const found = stdout.trim().split(" ");
    expect(found.map((each) => new Date(Number(each) * 1000).toISOString().slice(0, 16))).toEqual(
      expected,
    );
  });

  it("does not render a file that would end its here-document early", () => {
    const nodeFirewall = "table inet t {}\nEND_OF_FILE\nrm -rf /\n";
    expect(() => renderStartupScript({ nodeName: "n", nodeFirewall })).toThrow(
      "/etc/claude-gateway/node-firewall.nft cannot be a here-document",
    );
  });

  it("contains the given node firewall", () => {
    expect(script).toContain(
      "put_file 0644 /etc/claude-gateway/node-firewall.nft <<'END_OF_FILE'\ntable inet t {}\nEND_OF_FILE\n",
    );
  });
});

describe("k3s's configuration", () => {
  it("is hardened, without the components that a gateway host does not need", () => {
    expect(JSON.parse(renderK3sConfig({ nodeName: "gateway-host" }))).toEqual({
      "node-name": "gateway-host",
      disable: ["traefik", "servicelb", "metrics-server"],
      "write-kubeconfig-mode": "0600",
      "token-file": "/etc/rancher/k3s/token",
      "tls-san": ["127.0.0.1", "localhost", "gateway-host"],
      "resolv-conf": "/etc/rancher/k3s/resolv.conf",
      "secrets-encryption": true,
      "protect-kernel-defaults": true,
      "kube-apiserver-arg": [
        "enable-admission-plugins=NodeRestriction",
        "admission-control-config-file=/etc/rancher/k3s/admission.yaml",
        "audit-policy-file=/etc/rancher/k3s/audit-policy.yaml",
        "audit-log-path=/var/lib/rancher/audit/audit.log",
        "audit-log-maxage=30",
        "audit-log-maxbackup=10",
        "audit-log-maxsize=100",
        "service-account-extend-token-expiration=false",
      ],
      "kube-controller-manager-arg": ["terminated-pod-gc-threshold=10"],
      "kubelet-arg": ["config=/etc/rancher/k3s/kubelet.yaml"],
    });
  });

  it("makes the kubelet apply a changed Secret within 15 s, with any random wait", () => {
    const { syncFrequency, ...rest } = JSON.parse(renderKubeletConfig()) as Record<string, unknown>;
    expect(syncFrequency).toMatch(/^\d+s$/);
    // The kubelet waits up to half as long again (workerResyncIntervalJitterFactor).
    expect(Number.parseInt(syncFrequency as string) * 1.5).toBeLessThan(15);
    expect(rest.configMapAndSecretChangeDetectionStrategy).toBe("Watch");
    expect(script).toContain(
      `put_file 0600 /etc/rancher/k3s/kubelet.yaml <<'END_OF_FILE'\n${renderKubeletConfig()}END_OF_FILE\n`,
    );
  });

  it("makes the kubelet evict pods for memory and for both disks, and remove images before that", () => {
    const kubelet = JSON.parse(renderKubeletConfig()) as typeof kubeletSettings;
    expect(Object.keys(kubelet.evictionHard)).toEqual([
      ...["memory.available", "nodefs.available", "nodefs.inodesFree"],
      ...["imagefs.available", "imagefs.inodesFree"],
    ]);
    const evictsAt = 100 - Number.parseInt(kubelet.evictionHard["imagefs.available"]);
    expect(kubelet.imageGCHighThresholdPercent).toBeLessThan(evictsAt);
  });

  it("ends agents' pods first, while the gateway still answers, before the machine shuts down", () => {
    const { shutdownGracePeriodByPodPriority } = JSON.parse(
      renderKubeletConfig(),
    ) as typeof kubeletSettings;
    expect(shutdownGracePeriodByPodPriority).toEqual([
      { priority: 0, shutdownGracePeriodSeconds: 900 },
      { priority: 1_000_000, shutdownGracePeriodSeconds: 60 },
      { priority: 2_000_000_000, shutdownGracePeriodSeconds: 20 },
    ]);
  });

  it("lets logind delay a shutdown for as long as all groups of pods together may take", () => {
    const drained = { nodeName: "n", nodeFirewall: "table inet t {}\n", drainSeconds: 120 };
    const file = (seconds: number) =>
      `put_file 0644 /etc/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf <<'END_OF_FILE'\n[Login]\nInhibitDelayMaxSec=${seconds}\nEND_OF_FILE\n`;
    expect(script).toContain(file(980));
    expect(renderStartupScript(drained)).toContain(file(200));
  });

  it("keeps memory, processes and disk for k3s and the system, and bounds a pod's processes and a container's logs", () => {
    const kubelet = JSON.parse(renderKubeletConfig()) as typeof kubeletSettings;
    const reserved = ["cpu", "memory", "ephemeral-storage", "pid"];
    expect(Object.keys(kubelet.kubeReserved)).toEqual(reserved);
    expect(Object.keys(kubelet.systemReserved)).toEqual(reserved);
    // Without an own list, pods alone are held to the rest, and neither k3s nor the system to what is reserved for it.
    expect(kubelet).not.toHaveProperty("enforceNodeAllocatable");
    expect(kubelet.podPidsLimit).toBe(2048);
    expect([kubelet.containerLogMaxSize, kubelet.containerLogMaxFiles]).toEqual(["10Mi", 5]);
  });

  it("enforces restricted pods everywhere except in kube-system", () => {
    const { plugins } = JSON.parse(renderAdmissionConfig()) as {
      plugins: { configuration: { defaults: object; exemptions: object } }[];
    };
    expect(plugins).toHaveLength(1);
    expect(plugins[0]?.configuration.defaults).toMatchObject({
      enforce: "restricted",
      "enforce-version": "latest",
    });
    expect(plugins[0]?.configuration.exemptions).toEqual({
      usernames: [],
      runtimeClasses: [],
      namespaces: ["kube-system"],
    });
  });

  it("does not write a secret's content to the audit log", () => {
    const { rules } = JSON.parse(renderAuditPolicy()) as {
      rules: { level: string; resources?: { resources: string[] }[] }[];
    };
    const first = rules.findIndex(
      ({ level }) => level === "Request" || level === "RequestResponse",
    );
    const metadata = rules.findIndex(({ resources }) =>
      resources?.some((group) => group.resources.includes("secrets")),
    );
    expect(rules[metadata]?.level).toBe("Metadata");
    expect(metadata).toBeLessThan(first);
  });
});

it("limits the system's log to half of the disk that pods never get", () => {
  expect(renderJournalLimit()).toBe("[Journal]\nSystemMaxUse=512M\n");
  expect(kubeletSettings.systemReserved["ephemeral-storage"]).toBe("1Gi");
  expect(script).toContain(
    `put_file 0644 /etc/systemd/journald.conf.d/90-claude-gateway.conf <<'END_OF_FILE'\n${renderJournalLimit()}END_OF_FILE\n`,
  );
});

it("starts k3s only with the data disk and the firewall, and never by itself at boot", () => {
  const unit = renderK3sUnit("/etc/f.nft");
  const lines = unit.split("\n").filter((line) => line.startsWith("Exec"));
  expect(lines).toEqual([
    "ExecStartPre=/usr/bin/mountpoint -q /var/lib/rancher",
    "ExecStartPre=/usr/sbin/nft -f /etc/f.nft",
    "ExecStartPre=-/sbin/modprobe br_netfilter",
    "ExecStartPre=-/sbin/modprobe overlay",
    "ExecStart=/usr/local/bin/k3s server",
  ]);
  expect(unit).not.toContain("[Install]");
});
