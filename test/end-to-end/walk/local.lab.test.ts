import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { variantNamed } from "../../../components/gateway/paths/index.ts";
import { isMetered } from "../../../components/gateway/paths/variant.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn } from "../../lab/claude.ts";
import { type Lab, openLab, takeDown } from "../../lab/cluster/index.ts";
import { ensureHosts } from "../../lab/hosts/hosts.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream, LAB_API_KEY } from "../../lab/upstream.ts";
import { expectClosed } from "../egress/command.ts";
import { checkGithub, configureGithub } from "./github.ts";
import { allowAllOfGithub, checkRowsClosed, checkRowsOpen } from "./github-rows.ts";
import {
  checkInspectedHosts,
  checkInspectionSecrets,
  configureInspectedHosts,
} from "./inspected-hosts.ts";
import { checkOtherHosts } from "./other-hosts.ts";
import { routesOfLiteLlm, walkRoutes } from "./routes.ts";
import { answerTo, startSender, stopSender } from "./sender.ts";
import { completesToolTurn } from "./tool-turn.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "./traffic.ts";

/**
 * One running stack: created with the README's first command, switched to every path with requests in flight, with rotated
 * credentials, and destroyed. The tests depend on each other, in order.
 */
const GATEWAY = "claude-gateway";
const AGENT = "dev-e";
const progress = lineProgress();

/** How long to wait for a changed Secret. Far longer than it takes, because the time is not measured here. */
const SETTLES = { timeout: 120_000, interval: 1000 };

let lab: Lab;
let target: Target;
let control: AnthropicControl;
let stack: Stack;
let dir: string;
let key = LAB_API_KEY;
let generation = 1;

beforeAll(async () => {
  lab = openLab();
  // Start without a lab, whatever an earlier run left: the first command must work from nothing.
  await takeDown(lab, progress);
  dir = await mkdtemp(join(tmpdir(), "claude-gateway-walk-"));
});

afterAll(async () => {
  // Other tests' stacks have the key that this file rotates away.
  await control.setCredentials([LAB_API_KEY]);
  await rm(dir, { recursive: true });
});

beforeEach(async () => {
  await (control as AnthropicControl | undefined)?.reset();
});

function npmRunLocal(...args: string[]) {
  const root = join(import.meta.dirname, "../../..");
  const argv = ["run.mjs", "commands/local.ts", ...args];
  return spawnSync(process.execPath, argv, { cwd: root, encoding: "utf8" });
}

/** Requests that reached the upstream's message route. */
async function upstreamRequests() {
  return (await control.records()).filter(({ url }) => url.startsWith("/v1/messages"));
}

async function up(path: string, mode?: string): Promise<void> {
  if (mode === undefined) await stack.removeConfig("gateway.mode");
  await stack.configure({
    "gateway.path": path,
    ...(mode !== undefined && { "gateway.mode": mode }),
    "credential.holder": mode === "sni" ? "agent" : "gateway",
  });
  await stack.up();
}

/** Whether Claude Code in the agent's runner completes a turn with the token with which it was started. */
async function runnerCompletes(target: Target, namespace: string): Promise<boolean> {
  const { is_error } = await runTurn(target, { namespace, prompt: "say: still here" });
  return !is_error;
}

async function gatewayPods(): Promise<string[]> {
  const running = ["--field-selector=status.phase=Running", "--output=name"];
  const list = await target.kubectl(["get", "pods", `--namespace=${GATEWAY}`, ...running]);
  return list.trim().split("\n");
}

/** Names of the Deployments, ConfigMaps, Secrets and Services in the gateway's namespace. */
async function gatewayObjects(): Promise<string[]> {
  const kinds = "deployments,configmaps,secrets,services,networkpolicies";
  const list = await target.kubectl(["get", kinds, `--namespace=${GATEWAY}`, "--output=name"]);
  return list.trim().split("\n").sort();
}

describe("npm run local", () => {
  test("runs two turns of one session, and the second reads from the cache", async () => {
    const { status, stdout, stderr } = npmRunLocal("--gateway", "litellm");
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/turn 1\s+completed\s+\d+\s+\d+\s+\d+\s+"Turn 1: Say hello/);
    const cacheReads = /turn 2\s+completed\s+\d+\s+\d+\s+(\d+)\s+"Turn 2:/.exec(stdout)?.[1];
    expect(Number(cacheReads)).toBeGreaterThan(0);

    target = await labTarget(lab, progress);
    control = await ensureUpstream(lab);
    stack = (await target.pulumi(progress)).stack("local");
  });

  test.each([
    ["an unknown path", ["--gateway", "nginx"], "--gateway nginx is not one of"],
    [
      "a mode for a path without modes",
      ["--mode", "sni"],
      "--mode can only be used with --gateway envoy",
    ],
    ["an unknown option", ["--dwon"], "--dwon"],
  ])("refuses %s with one line, the usage and exit code 2", (_, args, message) => {
    const { status, stderr } = npmRunLocal(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  test("an `up` without a change plans no change", async () => {
    const { changeSummary } = await stack.preview({ refresh: true });
    expect(Object.keys(changeSummary ?? {})).toEqual(["same"]);
  });
});

test("a preview of a stack that does not exist yet shows all its resources and creates nothing", async () => {
  const pulumi = await target.pulumi(progress);
  const spike = await prepareStack(pulumi, target, "unborn", "spike");
  const { changeSummary } = await spike.preview();
  expect(Object.keys(changeSummary ?? {})).toEqual(["create"]);
  await spike.remove();
  expect(await target.kubectl(["get", "namespaces", "--output=name"])).not.toContain("unborn");
});

describe("bare LiteLLM", () => {
  test("answers 4xx to an agent on every route except the message routes and the probe routes", async () => {
    const routes = await routesOfLiteLlm(target, GATEWAY);
    expect(routes.length).toBeGreaterThan(500);
    const open = await walkRoutes(target, { gateway: GATEWAY, agent: AGENT }, routes);
    expect(open).toEqual([
      { method: "GET", path: "/health/liveliness", status: 200, body: `"I'm alive!"` },
      {
        method: "GET",
        path: "/health/readiness",
        status: 200,
        body: '{"status":"healthy","db":"Not connected"}',
      },
    ]);
  });
});

const walk = [
  { path: "litellm", mode: undefined, variant: "litellm" },
  { path: "shim", mode: undefined, variant: "shim" },
  { path: "envoy", mode: "terminate", variant: "envoy-terminate" },
  { path: "hybrid", mode: undefined, variant: "hybrid" },
  { path: "envoy", mode: "sni", variant: "envoy-sni" },
] as const;

describe.each(walk)("path $variant", ({ path, mode, variant }) => {
  test("is switched to in place: open streams continue, and nothing of the old path remains", async () => {
    const sender = await startSender(target, stack, AGENT);
    const traffic = await trafficDuring(target, control, sender, `to-${variant}`, () =>
      up(path, mode),
    );

    expect(traffic.stream.status).toBe(200);
    expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
    expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
    // Mode sni has another base URL, so requests to the old one then fail.
    if (variant === "envoy-sni") await stopSender(target, sender);
    else expect(traffic.requests.lost).toEqual([]);

    const others = (await gatewayObjects()).filter(
      (name) =>
        /litellm|shim|envoy|hybrid/.test(name) &&
        !name
          .split("/")[1]
          ?.replace(/^gateway-/, "")
          .startsWith(variant),
    );
    expect(others).toEqual([]);
  });

  if (variant === "hybrid" || variant === "envoy-terminate") {
    test("lets git and npm reach listed hosts only, and not the API itself", async () => {
      await ensureHosts(lab);
      await stack.configure({
        "egress.allow[0]": "github.com",
        "egress.allow[1]": "npm.pkg.github.com",
      });
      await stack.up();
      await checkOtherHosts(target, { agent: AGENT, gateway: GATEWAY });
      await stack.removeConfig("egress.allow");
      if (variant === "hybrid") await stack.up();
    });
  }

  if (variant === "envoy-terminate") {
    test("lets an agent's programs do what an inspected host allows, without its credential", async () => {
      await configureInspectedHosts(stack);
      await allowAllOfGithub(stack, 1);
      await stack.up();
      await checkInspectedHosts(target, { agent: AGENT, gateway: GATEWAY });
      await checkInspectionSecrets(target, stack);
      // The rules of egress.github, which the next test sets, are all that closes these.
      await checkRowsOpen(target, stack, await ensureHosts(lab));
      await stack.removeConfig("egress.inspect");
    });

    test("lets Claude Code push a branch and open a pull request, without a credential of GitHub's", async () => {
      const github = await ensureHosts(lab);
      await configureGithub(stack, github, AGENT);
      await stack.up();
      await checkGithub(target, github, { agent: AGENT, gateway: GATEWAY });
      await checkRowsClosed(target, stack, github);
      await stack.removeConfig("egress.github");
      await stack.up();
    });
  }

  // In mode sni the agent holds the key itself, and restarts to get a new one.
  if (variant !== "envoy-sni") {
    test("uses a new key and a new token; the old ones work meanwhile, and no request is lost", async () => {
      const sender = await startSender(target, stack, AGENT);
      const [oldKey, newKey] = [key, `${LAB_API_KEY}-${variant}-${generation}`];
      await control.setCredentials([oldKey, newKey]);
      await stack.setConfig("credential.value", newKey, { secret: true });
      generation += 1;
      await stack.setConfig("agents[0].tokenGeneration", String(generation));
      const podsBefore = await gatewayPods();

      // The traffic must not contain the key: the search of LiteLLM's memory would find it there.
      const traffic = await trafficDuring(target, control, sender, `key-${variant}`, async () => {
        await stack.up();
        // A mounted Secret is updated within the kubelet's sync period.
        await control.waitFor(
          ({ headers }) => headers.some(([, value]) => value === newKey),
          120_000,
        );
      });
      key = newKey;
      await control.setCredentials([newKey]);
      expect(traffic.requests.lost).toEqual([]);
      expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
      expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);

      // LiteLLM reads its key at its start. Envoy reads it again, so where Envoy holds it nothing restarts.
      const restarted = (await gatewayPods()).filter((pod) => !podsBefore.includes(pod));
      expect(restarted).toHaveLength(variant === "litellm" ? 1 : 0);

      await stopSender(target, sender);
      const renewed = await startSender(target, stack, AGENT);
      expect(renewed.token).not.toBe(sender.token);
      const after = await trafficDuring(
        target,
        control,
        renewed,
        `token-${variant}`,
        async () => {},
      );
      expect(after.requests.lost).toEqual([]);
    });
  }

  if (variant === "litellm" || variant === "envoy-terminate") {
    test("raising the token generation by 2 makes the old token invalid; the runner gets the new one by itself", async () => {
      const revoked = await startSender(target, stack, AGENT);
      expect(await answerTo(target, revoked)).toBe(200);
      generation += 2;
      await stack.setConfig("agents[0].tokenGeneration", String(generation));
      await stack.up();
      // Both wait for the kubelet's sync period, which is the same on the host and in the lab.
      await expect.poll(() => answerTo(target, revoked), SETTLES).toBe(401);
      await expect.poll(() => runnerCompletes(target, AGENT), SETTLES).toBe(true);
      await stopSender(target, revoked);
    });
  }

  if (variant === "envoy-sni") {
    test("a new key restarts the agent, which uses it", async () => {
      const newKey = `${LAB_API_KEY}-${variant}`;
      await stack.setConfig("credential.value", newKey, { secret: true });
      await control.setCredentials([newKey]);
      await stack.up();
      key = newKey;
      await completesToolTurn(target, AGENT);
    });
  }

  test("completes a tool-use turn, and sends the upstream only its own key", async () => {
    await completesToolTurn(target, AGENT);
    const requests = await upstreamRequests();
    expect(requests).toHaveLength(2);
    for (const { headers } of requests) {
      const names = headers.map(([name]) => name.toLowerCase());
      expect(headers.find(([name]) => name.toLowerCase() === "x-api-key")?.[1]).toBe(key);
      expect(names).not.toContain("authorization");
      expect(JSON.stringify(headers)).not.toContain("cgw-");
    }
  });

  test("has no way out but the known limits", async () => {
    // Where Envoy reads no bodies, the API may always fetch.
    const serverFetch = !isMetered(variantNamed(variant));
    await expectClosed(variant, "local", { cloneDir: lab.cloneDir, dir, serverFetch });
  });
});

test("leaving mode sni, agents get their token and the gateway's base URL back", async () => {
  await up("envoy", "terminate");
  await completesToolTurn(target, AGENT);
  expect(await upstreamRequests()).toHaveLength(2);
});

test("`pulumi destroy` leaves no namespace and no object behind", async () => {
  await stack.destroy();
  const namespaces = await target.kubectl(["get", "namespaces", "--output=name"]);
  expect(namespaces).not.toMatch(/claude-gateway|dev-e/);
});
