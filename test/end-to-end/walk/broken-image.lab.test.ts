import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn } from "../../lab/claude.ts";
import { openLab } from "../../lab/cluster/index.ts";
import { labPulumi } from "../../lab/lab-pulumi.ts";
import { lineProgress } from "../../lab/progress.ts";
import { PulumiFailed, type Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import { MISSING_IMAGE } from "./missing-image.ts";
import { startSender, stopSender } from "./sender.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "./traffic.ts";

/**
 * A running stack whose images are changed to one that does not exist and back, and which somebody changes by hand.
 * The tests depend on each other, in order.
 */
const STACK = "walk-broken";
const GATEWAY = `${STACK}-gateway`;
const AGENT = `${STACK}-agent`;

let target: Target;
let control: AnthropicControl;
let stack: Stack;

beforeAll(async () => {
  const progress = lineProgress();
  const lab = openLab();
  target = await labTarget(lab, progress);
  control = await ensureUpstream(lab);
  const pulumi = await labPulumi(lab, progress, "test/end-to-end/walk/impatient.ts");
  stack = await prepareStack(pulumi, target, STACK, "spike");
  await stack.setConfig("gateway.path", "envoy");
  await stack.up();
});

afterAll(async () => {
  await stack.destroy();
  await stack.remove();
});

/** Sets one image to one that does not exist, and the others to their original values. */
async function breakImages(broken?: string): Promise<void> {
  for (const name of ["envoy", "coredns", "node"]) {
    if (name === broken) await stack.setConfig(`images.${name}`, MISSING_IMAGE);
    else await stack.removeConfig(`images.${name}`);
  }
  const runner = broken === "runner" ? MISSING_IMAGE : target.runnerImage;
  await stack.setConfig("images.runner", runner);
}

/** The output of an `up` that fails. */
async function failedUp(): Promise<string> {
  const error = await stack.up().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PulumiFailed)) throw new Error("up did not fail", { cause: error });
  return error.output;
}

/** The roles of the Deployments in a namespace, sorted. */
async function deployments(namespace: string): Promise<(string | undefined)[]> {
  const list = ["get", "deployments", `--namespace=${namespace}`, "--output=json"];
  const { items } = JSON.parse(await target.kubectl(list)) as {
    items: { metadata: { labels: Record<string, string> } }[];
  };
  return items
    .map(({ metadata: { labels } }) => labels["claude-gateway/role"] ?? labels.app)
    .sort();
}

/** The output of `up` names the Deployment that was not ready in time, and why its pod did not start. */
function expectStuck(said: string, name: string): void {
  expect(said).toMatch(
    new RegExp(`'${name}-deployment-[0-9a-f]{8}' timed out waiting to be Ready`),
  );
  expect(said).toMatch(
    new RegExp(`${name}-deployment-.*(ErrImagePull|ImagePullBackOff).*${MISSING_IMAGE}`),
  );
}

async function expectTurn(): Promise<void> {
  const turn = await runTurn(target, { namespace: AGENT, prompt: "Go on." });
  expect(turn).toMatchObject({ is_error: false, result: "Turn 1: Go on." });
}

test("a missing gateway image makes `up` fail with the reason, and agents keep working", async () => {
  await breakImages("envoy");
  const sender = await startSender(target, stack, "agent");
  let said = "";
  const traffic = await trafficDuring(target, control, sender, "broken", async () => {
    said = await failedUp();
  });
  await stopSender(target, sender);
  expect(traffic.requests.lost).toEqual([]);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
  expectStuck(said, "gateway-envoy-terminate");
  // The failed Deployment exists next to the one that serves.
  expect(await deployments(GATEWAY)).toEqual(["dns", "gateway", "gateway", "probe", "usage"]);
  await expectTurn();

  expectStuck(await failedUp(), "gateway-envoy-terminate");
});

test.each([
  ["the probe", "node", "egress-probe"],
  ["the agents' DNS", "coredns", "egress-dns"],
  ["the runner", "runner", "agent-agent-runner"],
])("a missing image of %s makes `up` fail in the same way", async (_, image, name) => {
  await breakImages(image);
  expectStuck(await failedUp(), name);
  await expectTurn();
});

test("with existing images, `up` completes, no request is lost, and the failed Deployments are gone", async () => {
  await breakImages();
  const sender = await startSender(target, stack, "agent");
  const traffic = await trafficDuring(target, control, sender, "mended", () => stack.up());
  await stopSender(target, sender);
  expect(traffic.requests.lost).toEqual([]);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
  expect(await deployments(GATEWAY)).toEqual(["dns", "gateway", "probe", "usage"]);
  expect(await deployments(AGENT)).toEqual(["runner"]);
  await expectTurn();
  expect(Object.keys((await stack.preview()).changeSummary ?? {})).toEqual(["same"]);
});

test("`up --refresh` reverts what somebody scaled or opened by hand", async () => {
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
