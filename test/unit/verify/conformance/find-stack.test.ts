import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findStack } from "../../../verify/conformance/subject/find-stack.ts";
import { lineProgress } from "../../../lab/progress.ts";
import { writeTunnelFile } from "../../commands/tunnel-file.ts";

let dir = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "find-stack-"));
  for (const folder of ["bin", "config"]) mkdirSync(join(dir, folder));
  program("kubectl", "exit 0");
  vi.stubEnv("PATH", `${join(dir, "bin")}:${process.env.PATH}`);
  vi.stubEnv("HOME", dir);
  // Another cache means another lab, which is not running.
  vi.stubEnv("CLAUDE_GATEWAY_CACHE", join(dir, "cache"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

function program(name: string, text: string): void {
  writeFileSync(join(dir, "bin", name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(dir, "bin", name), 0o755);
}

/** Simulates a Pulumi that knows one stack, and rejects other stacks and unset keys like Pulumi. */
function pulumiWith(stack: string, config: Readonly<Record<string, string>>): void {
  for (const [path, value] of Object.entries(config)) {
    writeFileSync(join(dir, "config", path), `${value}\n`);
  }
  program(
    "pulumi",
    `case "$*" in
*"--stack ${stack} --non-interactive" | *"--stack ${stack}") ;;
*) echo "error: no stack named" >&2; exit 255 ;;
esac
case "$*" in
"stack output --json "*) echo '{"gatewayPath":"envoy"}' ;;
"stack --show-name --fully-qualify-stack-names --stack ${stack}") echo org/claude-gateway/${stack} ;;
"config get --path "*) cat "${dir}/config/$4" 2>/dev/null || { echo "error: not found" >&2; exit 255; } ;;
esac`,
  );
}

const find = (stack: string) => findStack(stack, undefined, lineProgress());

describe("a stack of the user's own Pulumi", () => {
  test("is found with its outputs, on the cluster and context that it names", async () => {
    pulumiWith("team", { "cluster.kubeconfig": "~/kc.yaml", "cluster.context": "there" });
    const { target, outputs, upstream } = await find("team");
    expect(outputs).toEqual({ gatewayPath: "envoy" });
    expect(upstream).toBeUndefined();
    const file = join(dir, "kc.yaml");
    expect(target.kubectlCommand(["get", "pods"])).toEqual([
      ...["kubectl", `--kubeconfig=${file}`, "--context=there", "get", "pods"],
    ]);
  });

  test("may name a file relative to the project folder, as for pulumi up", async () => {
    pulumiWith("team", { "cluster.kubeconfig": "kc.yaml" });
    const { target } = await find("team");
    expect(target.kubectlCommand([])).toEqual([
      ...["kubectl", `--kubeconfig=${resolve(import.meta.dirname, "../../../../kc.yaml")}`],
    ]);
  });

  test("is reached through its host's tunnel", async () => {
    pulumiWith("team", { "host.stack": "host" });
    const file = writeTunnelFile(dir, "org/claude-gateway/host");
    const { target } = await find("team");
    expect(target.kubectlCommand([])).toEqual(["kubectl", `--kubeconfig=${file}`]);
  });

  test.each([
    [
      "has no tunnel",
      { "host.stack": "host" },
      /no kubeconfig of host stack "org\/claude-gateway\/host".*npm run tunnel/,
    ],
    [
      "names no cluster",
      {},
      /^stack team names no cluster\. Set it: pulumi config set --path cluster/,
    ],
  ])("that %s is rejected with the fix", async (_what, config, message) => {
    pulumiWith("team", config);
    await expect(find("team")).rejects.toThrow(message);
  });

  test("is reported as missing under its name", async () => {
    pulumiWith("team", {});
    await expect(find("other")).rejects.toThrow(
      'no stack other. npm run local deploys the stack "local"',
    );
  });
});
