import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnthropicControl } from "../anthropic/client.ts";
import { runTurn } from "../claude.ts";
import { openLab } from "../cluster/index.ts";
import { labPulumi } from "../lab-pulumi.ts";
import { lineProgress } from "../progress.ts";
import { PulumiFailed, type Stack } from "../pulumi/cli.ts";
import { prepareStack } from "../stacks.ts";
import { labTarget, type Target } from "../target.ts";
import { ensureUpstream } from "../upstream.ts";
import { MISSING_IMAGE } from "./missing-image.ts";
import { startSender, stopSender } from "./sender.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "./traffic.ts";

/**
 * A living stack whose images are changed to one that does not exist, and back, and which somebody changes by hand.
 * The tests build on each other, in order.
 */
const STACK = "walk-broken";
const GATEWAY = `${STACK}-gateway`;
const AGENT = `${STACK}-agent`;
const OF_GATEWAY = ["envoy", "coredns", "node"] as const;

let target: Target;
let control: AnthropicControl;
let stack: Stack;

beforeAll(async () => {
  const progress = lineProgress();
  const lab = openLab();
  target = await labTarget(lab, progress);
  control = await ensureUpstream(lab);
  const pulumi = await labPulumi(lab, progress, "test/lab/walk/impatient.ts");
  stack = await prepareStack(pulumi, target, STACK, "spike");
  await stack.setConfig("gateway.path", "envoy");
  await stack.up();
});

afterAll(async () => {
  await stack.destroy();
  await stack.remove();
});

async function breakImages(...names: readonly string[]): Promise<void> {
  for (const name of names) await stack.setConfig(`images.${name}`, MISSING_IMAGE);
}

async function mendImages(): Promise<void> {
  for (const name of OF_GATEWAY) await stack.removeConfig(`images.${name}`);
  await stack.setConfig("images.runner", target.runnerImage);
}

/** What an `up` that fails says. */
async function failedUp(): Promise<string> {
  const error = await stack.up().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PulumiFailed)) throw new Error("up did not fail", { cause: error });
  return error.output;
}

/** What the Deployments in a namespace are for, sorted. */
async function deployments(namespace: string): Promise<(string | undefined)[]> {
  const list = ["get", "deployments", `--namespace=${namespace}`, "--output=json"];
  const { items } = JSON.parse(await target.kubectl(list)) as {
    items: { metadata: { labels: Record<string, string> } }[];
  };
  return items
    .map(({ metadata: { labels } }) => labels["claude-gateway/role"] ?? labels.app)
    .sort();
}

async function expectTurn(): Promise<void> {
  const turn = await runTurn(target, { namespace: AGENT, prompt: "Go on." });
  expect(turn).toMatchObject({ is_error: false, result: "Turn 1: Go on." });
}

test("an image that the gateway's pods cannot start from fails `up`, which says so, and agents go on", async () => {
  await breakImages(...OF_GATEWAY);
  const sender = await startSender(target, stack, "agent");
  let said = "";
  const traffic = await trafficDuring(target, control, sender, "broken", async () => {
    said = await failedUp();
  });
  await stopSender(target, sender);
  expect(traffic.requests.lost).toEqual([]);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);

  for (const name of ["gateway-envoy-terminate", "egress-dns", "egress-probe"]) {
    expect(said).toMatch(new RegExp(`${name}-deployment-[0-9a-f]{8}.*timed out`));
  }
  expect(said).toMatch(/\[(ErrImagePull|ImagePullBackOff)\]/);
  expect(said).toContain(MISSING_IMAGE);
  // Each beside the one that serves.
  const twice = ["dns", "dns", "gateway", "gateway", "probe", "probe"];
  expect(await deployments(GATEWAY)).toEqual(twice);
  await expectTurn();
});

test("an `up` of the same image fails again", async () => {
  expect(await failedUp()).toContain(MISSING_IMAGE);
});

test("an image that the runner cannot start from fails `up`, and the agent's runner goes on", async () => {
  await mendImages();
  await breakImages("runner");
  const said = await failedUp();
  expect(said).toMatch(/agent-agent-runner-deployment-[0-9a-f]{8}.*timed out/);
  expect(said).toContain(MISSING_IMAGE);
  expect(await deployments(AGENT)).toEqual(["runner", "runner"]);
  await expectTurn();
});

test("with images that exist, `up` completes, nothing is lost, and what failed is gone", async () => {
  await mendImages();
  const sender = await startSender(target, stack, "agent");
  const traffic = await trafficDuring(target, control, sender, "mended", () => stack.up());
  await stopSender(target, sender);
  expect(traffic.requests.lost).toEqual([]);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
  expect(await deployments(GATEWAY)).toEqual(["dns", "gateway", "probe"]);
  expect(await deployments(AGENT)).toEqual(["runner"]);
  await expectTurn();
  expect(Object.keys((await stack.preview()).changeSummary ?? {})).toEqual(["same"]);
});

test("what somebody scaled or opened by hand is put back by `up --refresh`", async () => {
  const envoy = ["deployments", "--selector=claude-gateway/role=gateway", `--namespace=${GATEWAY}`];
  await target.kubectl(["scale", ...envoy, "--replicas=2"]);
  const policy = ["networkpolicy", "default-deny", `--namespace=${AGENT}`];
  const open = JSON.stringify({ spec: { policyTypes: ["Ingress"] } });
  await target.kubectl(["patch", ...policy, "--type=merge", `--patch=${open}`]);

  await stack.up({ refresh: true });
  const replicas = ["get", ...envoy, "--output=jsonpath={.items[*].spec.replicas}"];
  expect(await target.kubectl(replicas)).toBe("1");
  const types = ["get", ...policy, "--output=jsonpath={.spec.policyTypes}"];
  expect(await target.kubectl(types)).toBe('["Ingress","Egress"]');
  const { changeSummary } = await stack.preview({ refresh: true });
  expect(Object.keys(changeSummary ?? {})).toEqual(["same"]);
});
