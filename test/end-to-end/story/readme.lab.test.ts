import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

import { binDir, type Lab, openLab, runInLab } from "../../lab/cluster/index.ts";
import { HostMachine } from "../../lab/host/machine.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Pulumi } from "../../lab/pulumi/cli.ts";
import { World } from "../../lab/pulumi/gcp/world.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { cloudOfWorld } from "./cloud-of-world.ts";
import { commandBlocks } from "../../lab/docs/command-blocks.ts";
import { RUNBOOK, TYPED } from "./readme-blocks.ts";
import {
  boot,
  k3sToken,
  makePlaces,
  openPulumi,
  openTunnel,
  openTunnelWith,
  type Places,
  removeAdmin,
  type Tunnel,
  withoutSecrets,
} from "./surroundings.ts";

/**
 * Runs the command blocks of both READMEs, line by line, in a new clone, as a user who has pulumi, gcloud and kubectl on
 * PATH. Changes only what a reader has to fill in, and boots the machine at the point where Google Cloud would.
 */
const progress = lineProgress();
const RELEASE = "v1.36.3+k3s1";
const OWNED = "namespaces,validatingadmissionpolicies,validatingadmissionpolicybindings";
const SELECTOR = "--selector=claude-gateway/stack in (gateway,try-1)";

let lab: Lab;
let target: Target;
let places: Places;
let clone: string;
let pulumi: Pulumi;
let world: World;
let machine: HostMachine;
let tunnel: Tunnel | undefined;

beforeAll(async () => {
  lab = openLab();
  target = await labTarget(lab, progress);
  await target.kubectl(["delete", OWNED, SELECTOR]);
  places = await makePlaces(lab, "readme");
  clone = freshClone();
  pulumi = await openPulumi(lab, places, progress, { PULUMI_SKIP_CONFIRMATIONS: "true" });
  world = new World(places.world);
  machine = await HostMachine.create(places.machine);
  machine.cloud = { attributes: {}, secrets: {}, releases: {} };
});

afterAll(async () => {
  await tunnel?.close();
  await machine.powerOff();
  await removeAdmin(target);
  await rm(places.dir, { recursive: true, force: true });
});

/** The files that git would give to somebody who clones this working tree; no node_modules. */
function freshClone(): string {
  const dir = join(places.dir, "clone");
  const git = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", git, { cwd: lab.cloneDir, encoding: "utf8" });
  for (const file of files.split("\0").filter((name) => name !== "")) {
    mkdirSync(join(dir, dirname(file)), { recursive: true });
    cpSync(join(lab.cloneDir, file), join(dir, file));
  }
  return dir;
}

/** The reader's values for the names in the examples. */
function filledIn(line: string): string {
  return line
    .replaceAll("REGISTRY/claude-runner:1", target.runnerImage)
    .replaceAll("dev-e", "readme-dev");
}

/** Runs a line in the clone and returns its output. Throws if it exits with a code other than 0. */
async function type(line: string): Promise<string> {
  const path = [dirname(pulumi.binary), binDir(lab), pulumi.env.PATH ?? ""].join(delimiter);
  const { stdout } = await progress.step(line, () =>
    runInLab(lab, ["sh", "-c", line], {
      cwd: clone,
      env: { ...pulumi.env, PATH: path },
      // The answer to the line's prompt.
      ...(line.includes("--secret") && { input: `${target.apiKey}\n` }),
    }),
  );
  return stdout;
}

const config = (stack: string, path: string, value: string) =>
  type(`pulumi config set --path '${path}' '${value}' -s ${stack}`);

/** Steps before certain lines that a reader of the page does not need. */
const BEFORE: Readonly<Record<string, () => Promise<unknown>>> = {
  // The simulated k3s download has its own checksum.
  "pulumi preview -s host": () =>
    config("host", "k3s.sha256", machine.makeRelease(RELEASE).split(" ")[1] ?? ""),
  "npm run host:status -- --stack host": async () => {
    const { attributes, secrets } = cloudOfWorld(world.existing, await k3sToken(pulumi, "host"));
    machine.cloud = { ...machine.cloud, attributes, secrets };
    await boot({ lab, target, places, machine, progress }, "admin");
  },
  // Stack `local` of this lab may already use the shipped names.
  "pulumi up -s gateway": async () => {
    await config("gateway", "gateway.namespace", "readme-llm");
    await config("gateway", "agents[0].name", "readme-dev");
  },
  // The page says that `up` asks for a cluster and a runner image.
  "pulumi up -s try-1": async () => {
    await expect(type("pulumi up -s try-1")).rejects.toMatchObject({
      stdout: expect.stringContaining("images.runner") as unknown,
    });
    await config("try-1", "images.runner", target.runnerImage);
    await config("try-1", "host.stack", "host");
  },
};

/** Lines that cannot run unchanged in the lab. */
const INSTEAD: Readonly<Record<string, () => Promise<unknown>>> = {
  // The registry cannot be reached inside the lab. A reader of both pages runs this line once.
  "npm ci": () =>
    progress.step("npm ci", async () => {
      if (existsSync(join(clone, "node_modules"))) return;
      const quiet = ["--prefer-offline", "--no-audit", "--no-fund"];
      await promisify(execFile)("npm", ["ci", ...quiet], { cwd: clone });
    }),
  // The tunnel stays open.
  "npm run tunnel -- --stack host": async () => {
    tunnel = await openTunnel({ ...lab, cloneDir: clone }, pulumi, "--stack", "host");
  },
};

const said: Record<string, string> = {};

/** Types the lines of a block, and keeps what each said. */
async function typeBlock(id: string): Promise<void> {
  const page = id.split(":", 1)[0] ?? "";
  const text = readFileSync(join(clone, page), "utf8");
  const block = commandBlocks(page, text).find((block) => block.id === id);
  expect(block?.lines.length).toBeGreaterThan(1);
  for (const line of block?.lines ?? []) {
    await BEFORE[line]?.();
    const instead = INSTEAD[line];
    if (instead === undefined) said[line] = await type(filledIn(line));
    else await instead();
  }
}

/** What the screen says, with the exit code. */
async function status(): Promise<{
  readonly code: number;
  readonly needsPerson: readonly string[];
}> {
  const ended = await type("npm run --silent status -- --stack gateway").then(
    (stdout) => ({ stdout, exitCode: 0 }),
    (error: unknown) => error as { stdout: string; exitCode: number },
  );
  const [, needsPerson = ""] = ended.stdout.split("Needs a person:");
  const lines = needsPerson.split("\n").map((line) => line.trim());
  return { code: ended.exitCode, needsPerson: lines.filter((line) => line !== "") };
}

const [TO_AN_AGENT, ...AFTERWARDS] = TYPED;

test(TO_AN_AGENT, () => typeBlock(TO_AN_AGENT));

test("somebody breaks the gateway, is told by the screen, and the runbook's commands bring it back", async () => {
  const kubectl = (command: string) =>
    type(
      `kubectl --kubeconfig ~/.kube/claude-gateway/organization/claude-gateway/host.yaml ${command}`,
    );
  const gateway = "-n readme-llm -l claude-gateway/role=gateway";
  const pods = () => kubectl(`get pods ${gateway} --output=name`);
  // A new host has no snapshot until the next night, and a new gateway no verdict.
  const EXPECTED = [
    expect.stringMatching(/^last backup: check the snapshot schedule/) as unknown,
    "last verdict: measure the gateway: npm run verify -- --stack gateway",
  ];
  expect((await status()).needsPerson).toEqual(EXPECTED);

  await kubectl(`scale deployments ${gateway} --replicas=0`);
  await expect.poll(pods, { timeout: 60_000, interval: 2_000 }).toBe("");
  const broken = await status();
  expect(broken.code).toBe(1);
  expect(broken.needsPerson).toContain(
    "gateway (envoy): agents reach nothing. Deploy it again: pulumi up --refresh -s gateway (docs/runbook.md, ClaudeGatewayDown)",
  );

  const page = readFileSync(join(clone, RUNBOOK), "utf8");
  const section = page.split("## ClaudeGatewayDown\n")[1]?.split("\n## ")[0] ?? "";
  const [repair] = /pulumi up --refresh -s \$STACK/.exec(section) ?? [];
  const seen = commandBlocks(RUNBOOK, `## x\n${section}`).flatMap(({ lines }) => lines);
  expect(seen.length).toBeGreaterThan(0);
  for (const line of seen) {
    await kubectl(line.replace(/^kubectl /, "").replaceAll("$NS", "readme-llm"));
  }
  await type(`STACK=gateway; ${repair ?? "false"}`);
  expect(await pods()).toMatch(/^pod\/\S+\n$/);
  expect((await status()).needsPerson).toEqual(EXPECTED);
  const [turn] = Object.keys(said).filter((line) => line.startsWith("kubectl"));
  expect(await type(filledIn(turn ?? "false"))).toBe("Turn 1: Say hello.\n");
});

test("an operator who may not read the administrator's kubeconfig reaches the cluster with the command that is printed", async () => {
  const file = join(places.home, "alice.yaml");
  const made = await type(
    `npm run --silent operator -- --stack gateway --name alice@example.com --hours 1 --out ${file}`,
  );
  const [command = "false"] = /gcloud compute start-iap-tunnel .*/.exec(made) ?? [];
  await tunnel?.close();

  const operators = await openPulumi(lab, places, progress, withoutSecrets(places));
  await expect(openTunnel(lab, operators, "--stack", "host")).rejects.toThrow(
    "Permission 'secretmanager.versions.access' denied",
  );
  tunnel = await openTunnelWith(lab, operators, ["sh", "-c", command]);
  const pods = await type(
    `kubectl --kubeconfig ${file} get pods -n readme-llm -l claude-gateway/role=gateway --output=name`,
  );
  expect(pods).toMatch(/^pod\/\S+\n$/);
  await tunnel.close();
  await INSTEAD["npm run tunnel -- --stack host"]?.();
});

test.each(AFTERWARDS)("%s", typeBlock);

test("an agent has answered, and nothing is left behind", async () => {
  const turn = Object.entries(said).find(([line]) => line.startsWith("kubectl"));
  expect(turn?.[1]).toBe("Turn 1: Say hello.\n");
  expect(said["npm run host:status -- --stack host"]).toContain(`ready, k3s ${RELEASE}`);
  expect(await target.kubectl(["get", OWNED, "--output=name", SELECTOR])).toBe("");
  expect(world.existing).toEqual({});
});
