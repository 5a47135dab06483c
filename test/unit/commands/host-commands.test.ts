import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { STEPS } from "../../../infra/access/host-status.ts";
import { parseKubeconfig, renderKubeconfig } from "../../../infra/access/k3s-kubeconfig.ts";
import { kubeconfigProblem } from "../../../infra/access/kubeconfig.ts";
import { k3sKubeconfig, writeTunnelFile } from "./tunnel-file.ts";

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const KUBECONFIG = k3sKubeconfig();
const OUTPUTS = {
  project: "my-project",
  zone: "europe-west1-b",
  instance: "gateway-host",
  kubeconfigSecret: "gateway-host-kubeconfig",
  clusterIdentifier: "4711",
};

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "commands-"));
  mkdirSync(join(dir, "bin"));
  // Nothing else is on PATH, because the machine may have the real programs.
  symlinkSync("/bin/cat", join(dir, "bin/cat"));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** Puts simulated gcloud and pulumi programs on PATH. The calls of gcloud are recorded in `asked`. */
function standIns(answers: { outputs?: object; steps?: string; kubeconfig?: string }): void {
  const answer = (name: string, text: string | undefined, otherwise: string): string => {
    if (text === undefined) return `echo '${otherwise}' >&2; exit 1`;
    writeFileSync(join(dir, name), text);
    return `cat '${join(dir, name)}'`;
  };
  const attributes =
    answers.steps === undefined
      ? undefined
      : JSON.stringify([{ namespace: "claude-gateway", key: "steps", value: answers.steps }]);
  const gcloud = `#!/bin/sh
echo "$*" >>'${join(dir, "asked")}'
case "$*" in
  *get-guest-attributes*) ${answer("attributes", attributes, "ERROR: The resource of type Guest Attribute was not found.")} ;;
  secrets*) ${answer("kubeconfig", answers.kubeconfig, "ERROR: NOT_FOUND: Secret has no versions")} ;;
  *start-iap-tunnel*) exit 0 ;;
  *) exit 64 ;;
esac
`;
  writeFileSync(join(dir, "bin/gcloud"), gcloud, { mode: 0o755 });
  const outputs = answer("outputs", JSON.stringify(answers.outputs ?? OUTPUTS), "");
  const pulumi = `#!/bin/sh
case "$*" in
  "stack output --json --stack "*) ${outputs} ;;
  "stack --show-name --fully-qualify-stack-names --stack host") echo organization/claude-gateway/host ;;
  *) exit 64 ;;
esac
`;
  writeFileSync(join(dir, "bin/pulumi"), pulumi, { mode: 0o755 });
}

function run(program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", `commands/${program}.ts`, ...args],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: { PATH: join(dir, "bin"), HOME: dir },
    },
  );
  return { status, stdout, stderr };
}

const READY = Object.keys(STEPS)
  .map(
    (step) =>
      `${step}\tok\t2026-11-23T10:00:00Z\t${step === "k3s" ? "v1.36.3+k3s1, 9 s" : "1 s"}\n`,
  )
  .join("");

describe("host:status", () => {
  it("exits with 0 if the cluster can be used", () => {
    standIns({ steps: READY });
    const { status, stdout } = run("host-status", "--stack", "host");
    expect(stdout).toMatch(
      /^gateway-host \(my-project, europe-west1-b\): ready, k3s v1\.36\.3\+k3s1\n/,
    );
    expect(status).toBe(0);
    expect(readFileSync(join(dir, "asked"), "utf8")).toBe(
      "compute instances get-guest-attributes gateway-host --project my-project --zone europe-west1-b --query-path claude-gateway/steps --format json\n",
    );
  });

  it("exits with 1 while the cluster cannot be used yet", () => {
    standIns({});
    const { status, stdout } = run("host-status", "--stack", "host");
    expect(stdout).toContain("the machine has not reported yet");
    expect(status).toBe(1);
  });

  it.each([
    [[], "--stack is missing"],
    [["--stack", "host", "--verbose"], "--verbose"],
  ])("exits with 2 given %j", (args, message) => {
    const { status, stderr } = run("host-status", ...args);
    expect(stderr).toContain(message);
    expect(stderr).toContain("usage: npm run host:status");
    expect(status).toBe(2);
  });

  it("says that a stack is not a host stack", () => {
    standIns({ outputs: { baseUrl: "http://gateway" } });
    const { status, stderr } = run("host-status", "--stack", "gateway");
    expect(stderr).toBe(
      'Stack "gateway" has no output "project": it is not a host stack, or `pulumi up` has not finished on it yet. Run: pulumi up -s gateway\n',
    );
    expect(status).toBe(1);
  });

  it("says what to install if gcloud is missing", () => {
    standIns({});
    rmSync(join(dir, "bin/gcloud"));
    const { status, stderr } = run("host-status", "--stack", "host");
    expect(stderr).toContain("gcloud is not installed: install the Google Cloud CLI");
    expect(status).toBe(1);
  });
});

describe("tunnel", () => {
  it("writes the latest kubeconfig where stacks look for it, and opens the tunnel", () => {
    standIns({ kubeconfig: KUBECONFIG });
    const { status, stderr } = run("tunnel", "--stack", "host", "--port", "17000");
    expect(status, stderr).toBe(0);
    const file = join(dir, ".kube/claude-gateway/organization/claude-gateway/host.yaml");
    expect(readFileSync(file, "utf8")).toBe(
      renderKubeconfig({ ...parseKubeconfig(KUBECONFIG), server: "https://127.0.0.1:17000" }),
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dir, "asked"), "utf8").split("\n")).toEqual([
      "secrets versions access latest --secret gateway-host-kubeconfig --project my-project",
      "compute start-iap-tunnel gateway-host 6443 --local-host-port=127.0.0.1:17000 --project my-project --zone europe-west1-b",
      "",
    ]);
    expect(stderr).toBe(
      "Kubeconfig written to ~/.kube/claude-gateway/organization/claude-gateway/host.yaml. The tunnel stays open until Ctrl-C; in another terminal:\n" +
        "  kubectl --kubeconfig ~/.kube/claude-gateway/organization/claude-gateway/host.yaml get nodes\n",
    );
  });

  it("writes one file per full stack name", () => {
    for (const organization of ["orgA", "orgB"]) {
      standIns({ kubeconfig: k3sKubeconfig() });
      const { status, stderr } = run("tunnel", "--stack", `${organization}/claude-gateway/host`);
      expect(status, stderr).toBe(0);
    }
    const [a, b] = ["orgA", "orgB"].map((organization) =>
      readFileSync(join(dir, ".kube/claude-gateway", organization, "claude-gateway/host.yaml")),
    );
    expect(a).not.toEqual(b);
  });

  it("removes keys that a compromised machine added, and says so", () => {
    const exec = "    exec: {apiVersion: client.authentication.k8s.io/v1, command: touch}\n";
    standIns({ kubeconfig: KUBECONFIG + exec });
    const { status, stderr } = run("tunnel", "--stack", "host");
    expect(status, stderr).toBe(0);
    const file = join(dir, ".kube/claude-gateway/organization/claude-gateway/host.yaml");
    expect(readFileSync(file, "utf8")).toBe(
      renderKubeconfig({ ...parseKubeconfig(KUBECONFIG), server: "https://127.0.0.1:16443" }),
    );
    expect(stderr).toMatch(
      /^Removed from the kubeconfig, because k3s does not write it: users\.0\.user\.exec\./,
    );
  });

  it("writes nothing and opens no tunnel if the published kubeconfig cannot be used", () => {
    standIns({ kubeconfig: "clusters: []\n" });
    const { status, stderr } = run("tunnel", "--stack", "host");
    expect(stderr).toBe(
      "The kubeconfig that the machine published cannot be used: clusters is missing or malformed. k3s does not write such a file. Find out who changed the machine: `npm run host:status`\n",
    );
    expect(status).toBe(1);
    expect(existsSync(join(dir, ".kube"))).toBe(false);
    expect(readFileSync(join(dir, "asked"), "utf8")).not.toContain("start-iap-tunnel");
  });

  it("reports how far the machine is if there is no kubeconfig", () => {
    standIns({ steps: "packages\tfailed\t2026-11-23T10:00:00Z\tapt-get install ipset: E: no\n" });
    const { status, stderr } = run("tunnel", "--stack", "host");
    expect(stderr).toBe(
      'No kubeconfig yet. gateway-host (my-project, europe-west1-b): set-up failed at step "packages": apt-get install ipset: E: no\n',
    );
    expect(status).toBe(1);
  });

  it("refuses an invalid port", () => {
    const { status, stderr } = run("tunnel", "--stack", "host", "--port", "70000");
    expect(stderr).toContain("--port is not a port: give a number from 1 to 65535");
    expect(status).toBe(2);
  });
});

describe("a host stack's kubeconfig", () => {
  describe("before it is used", () => {
    const HOME = process.env.HOME;
    beforeEach(() => {
      process.env.HOME = dir;
    });
    afterEach(() => {
      process.env.HOME = HOME;
    });

    it("is reported as missing", () => {
      expect(kubeconfigProblem("organization/claude-gateway/host")).toBe(
        'There is no kubeconfig of host stack "organization/claude-gateway/host" at ~/.kube/claude-gateway/organization/claude-gateway/host.yaml: run `npm run tunnel -- --stack organization/claude-gateway/host` and leave it running',
      );
    });

    it("is reported as damaged", () => {
      writeFileSync(writeTunnelFile(dir), "users: []\n");
      expect(kubeconfigProblem("organization/claude-gateway/host")).toMatch(
        /^The kubeconfig at \S+ cannot be used \(clusters is missing or malformed\): run `npm run tunnel/,
      );
    });

    it("is reported as stale only after its certificate has expired", () => {
      writeTunnelFile(dir);
      expect(kubeconfigProblem("organization/claude-gateway/host")).toBeUndefined();
      const later = new Date(Date.now() + 366 * 86_400_000);
      expect(kubeconfigProblem("organization/claude-gateway/host", later)).toMatch(
        /^The kubeconfig at ~\/\.kube\/claude-gateway\/organization\/claude-gateway\/host\.yaml is stale \(its certificate expired .*\): run `npm run tunnel/,
      );
    });
  });
});
