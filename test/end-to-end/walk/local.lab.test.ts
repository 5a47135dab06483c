import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn } from "../../lab/claude.ts";
import { type Lab, openLab, takeDown } from "../../lab/cluster/index.ts";
import { ensureHosts } from "../../lab/hosts/hosts.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream, LAB_API_KEY } from "../../lab/upstream.ts";
import { checkOtherHosts } from "./other-hosts.ts";
import { routesOfLiteLlm, walkRoutes } from "./routes.ts";
import { answerTo, startSender, stopSender } from "./sender.ts";
import { completesToolTurn } from "./tool-turn.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "./traffic.ts";

/**
 * One living stack, walked through everything: brought up by the README's first command, toggled through every
 * path with requests in flight, rotated, and destroyed. The tests build on each other, in order.
 */
const GATEWAY = "claude-gateway";
const AGENT = "dev-e";
const progress = lineProgress();

/** How long a change of a Secret is waited for: far longer than it takes, since nothing is measured here. */
const SETTLES = { timeout: 120_000, interval: 1000 };

let lab: Lab;
let target: Target;
let control: AnthropicControl;
let stack: Stack;
let key = LAB_API_KEY;
let generation = 1;

beforeAll(async () => {
  lab = openLab();
  // From nothing, whatever an earlier run left: the first command has to do with that.
  await takeDown(lab, progress);
});

afterAll(async () => {
  // Other tests' stacks have the key that the walk rotated away.
  await control.setCredentials([LAB_API_KEY]);
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

/** Whether Claude Code in the agent's runner completes a turn with the token that it was started with. */
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
  test("ends with two turns of one session, the second from the cache", async () => {
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
    ["a mode of no path", ["--mode", "sni"], "--mode belongs to --gateway envoy"],
    ["an unknown option", ["--dwon"], "--dwon"],
  ])("refuses %s with one line, the usage and exit code 2", (_, args, message) => {
    const { status, stderr } = npmRunLocal(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  test("an `up` without a change plans none", async () => {
    const { changeSummary } = await stack.preview({ refresh: true });
    expect(Object.keys(changeSummary ?? {})).toEqual(["same"]);
  });
});

test("a preview of a stack that does not exist yet shows the whole of it, and makes nothing", async () => {
  const pulumi = await target.pulumi(progress);
  const spike = await prepareStack(pulumi, target, "unborn", "spike");
  const { changeSummary } = await spike.preview();
  expect(Object.keys(changeSummary ?? {})).toEqual(["create"]);
  await spike.remove();
  expect(await target.kubectl(["get", "namespaces", "--output=name"])).not.toContain("unborn");
});

describe("bare LiteLLM", () => {
  test("answers 4xx to an agent on every route but the message routes and the probes'", async () => {
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
  test("is toggled to in place: what is open goes on, and nothing of the old path stays", async () => {
    const sender = await startSender(target, stack, AGENT);
    const traffic = await trafficDuring(target, control, sender, `to-${variant}`, () =>
      up(path, mode),
    );

    expect(traffic.stream.status).toBe(200);
    expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
    expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
    // Mode sni has another base URL: who uses the old one then finds nobody there.
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

  if (variant === "hybrid") {
    test("lets git and npm reach listed hosts, and no other", async () => {
      await ensureHosts(lab);
      await stack.configure({
        "egress.allow[0]": "github.com",
        "egress.allow[1]": "npm.pkg.github.com",
      });
      await stack.up();
      await checkOtherHosts(target, AGENT);
      await stack.removeConfig("egress.allow");
      await stack.up();
    });
  }

  // In mode sni the agent holds the key itself, and restarts with a new one.
  if (variant !== "envoy-sni") {
    test("follows a new key and a new token: both old ones work meanwhile, and nothing is lost", async () => {
      const sender = await startSender(target, stack, AGENT);
      const [oldKey, newKey] = [key, `${LAB_API_KEY}-${variant}-${generation}`];
      await control.setCredentials([oldKey, newKey]);
      await stack.setConfig("credential.value", newKey, { secret: true });
      generation += 1;
      await stack.setConfig("agents[0].tokenGeneration", String(generation));
      const podsBefore = await gatewayPods();

      const traffic = await trafficDuring(target, control, sender, `key-${newKey}`, async () => {
        await stack.up();
        // A mounted Secret follows within the kubelet's sync period.
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

      // What stays as it was did not restart: only LiteLLM reads its key at its start.
      const restarted = (await gatewayPods()).filter((pod) => !podsBefore.includes(pod));
      expect(restarted.every((pod) => pod.includes("litellm"))).toBe(true);

      await stopSender(target, sender);
      const renewed = await startSender(target, stack, AGENT);
      expect(renewed.token).not.toBe(sender.token);
      const after = await trafficDuring(
        target,
        control,
        renewed,
        `token-${newKey}`,
        async () => {},
      );
      expect(after.requests.lost).toEqual([]);
    });
  }

  if (variant === "litellm" || variant === "envoy-terminate") {
    test("a token raised by 2 ends the old one; the runner has the new one by itself", async () => {
      const revoked = await startSender(target, stack, AGENT);
      expect(await answerTo(target, revoked)).toBe(200);
      generation += 2;
      await stack.setConfig("agents[0].tokenGeneration", String(generation));
      await stack.up();
      // Both follow the kubelet's sync period, which is rendered for host and lab alike.
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

  test("completes a tool-use turn, and shows the upstream its own key alone", async () => {
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
});

test("leaving mode sni, agents get their token and the gateway's base URL back", async () => {
  await up("envoy", "terminate");
  await completesToolTurn(target, AGENT);
  expect(await upstreamRequests()).toHaveLength(2);
});

test("`pulumi destroy` leaves neither namespace nor object", async () => {
  await stack.destroy();
  const namespaces = await target.kubectl(["get", "namespaces", "--output=name"]);
  expect(namespaces).not.toMatch(/claude-gateway|dev-e/);
});
