import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn } from "../../lab/claude.ts";
import { binDir, type Lab, openLab, OTHER_REGISTRY, runInLab } from "../../lab/cluster/index.ts";
import { labPulumi } from "../../lab/lab-pulumi.ts";
import { lineProgress } from "../../lab/progress.ts";
import { PulumiFailed, type Stack } from "../../lab/pulumi/cli.ts";
import {
  ACCESS_TOKEN,
  IMAGES,
  MARKER,
  PASSWORD,
  Registries,
  REPOSITORY,
  USER,
} from "../../lab/registries/registries.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import { MISSING_IMAGE } from "./missing-image.ts";
import { commandBlocks } from "../../lab/docs/command-blocks.ts";
import { type Outcome, runPrivateImage } from "./private-image.ts";
import { startSender, stopSender } from "./sender.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "./traffic.ts";

/**
 * A running stack whose images are changed to one that does not exist and back, whose agent gets images from private
 * registries, and which somebody changes by hand.
 * The tests depend on each other, in order.
 */
const STACK = "walk-broken";
const GATEWAY = `${STACK}-gateway`;
const AGENT = `${STACK}-agent`;

let lab: Lab;
let target: Target;
let control: AnthropicControl;
let stack: Stack;

beforeAll(async () => {
  const progress = lineProgress();
  lab = openLab();
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

/**
 * From private registries, with the real kubelet, the credential provider that the host gets, the real containerd and a real
 * registry.
 */
describe("an agent's images from private registries", () => {
  let registries: Registries;
  let logs: string[] = [];

  beforeAll(async () => {
    registries = await Registries.start(lab, lineProgress());
  });
  afterAll(() => registries.stop());

  /** How a pod with the image of each registry ended, both at the same time. */
  async function runBoth(): Promise<Record<keyof typeof IMAGES, Outcome>> {
    const run = (name: string, image: string) => runPrivateImage(target, stack, AGENT, name, image);
    const [artifactRegistry, other] = await Promise.all([
      run("tool-artifact", IMAGES.artifactRegistry),
      run("tool-other", IMAGES.other),
    ]);
    return { artifactRegistry, other };
  }

  const kubeletLog = () => readFile(join(lab.logDir, "kubelet.log"), "utf8");

  test("without an account of the machine no image is pulled, and the kubelet's log says why", async () => {
    await registries.setAccount(false);
    expect(await runBoth()).toEqual({
      artifactRegistry: {
        pullError: expect.stringMatching(
          /failed to fetch anonymous token: .*403 Forbidden/,
        ) as string,
      },
      other: { pullError: expect.stringMatching(/401 Unauthorized/) as string },
    });
    const why =
      "the metadata server, asked for instance/service-accounts/default/token, answered HTTP 404";
    for (const image of Object.values(IMAGES)) {
      const name = image.replace(/:[^:]*$/, "");
      expect(await kubeletLog()).toContain(
        `plugin claude-gateway-registries for image ${name}: exit status 1: ${why}`,
      );
    }
  });

  test("an account without a grant is refused, and so is an old password", async () => {
    await registries.setAccount(true);
    await registries.setReadable(["lab-project/other"]);
    await registries.setPassword("an-old-password");
    expect(await runBoth()).toEqual({
      artifactRegistry: {
        pullError: expect.stringMatching(/failed to fetch oauth token: .*403 Forbidden/) as string,
      },
      other: { pullError: expect.stringMatching(/401 Unauthorized/) as string },
    });
  });

  test("with the grant and with a changed password both images are pulled", async () => {
    await registries.setReadable([REPOSITORY]);
    await registries.setPassword(PASSWORD);
    const outcomes = await runBoth();
    logs = Object.values(outcomes).map((outcome) => ("log" in outcome ? outcome.log : ""));
    expect(logs.map((log) => log.split("\n")[0])).toEqual([MARKER.text, MARKER.text]);
    await registries.forget();
  });

  test("neither credential is in the agent's namespace, its pods or the node's logs", async () => {
    const kinds = "pods,secrets,configmaps,events,serviceaccounts";
    const objects = await target.kubectl(["get", kinds, `--namespace=${AGENT}`, "--output=json"]);
    const containerdLog = await readFile(join(lab.logDir, "containerd.log"), "utf8");
    const everything = [objects, ...logs, await kubeletLog(), containerdLog].join("\n");
    for (const credential of [ACCESS_TOKEN, PASSWORD]) {
      for (const text of [credential, Buffer.from(credential).toString("base64")]) {
        expect(everything).not.toContain(text);
      }
    }
    const secrets = ["get", "secrets", `--namespace=${AGENT}`, "--output=name"];
    expect(await target.kubectl(secrets)).toBe("secret/gateway-token\n");
  });

  test("without a credential provider, the pull secret that infra/README.md makes is enough", async () => {
    await registries.setAccount(false);
    const page = await readFile(join(lab.cloneDir, "infra/README.md"), "utf8");
    const id = "infra/README.md: Private images 3";
    const block = commandBlocks("infra/README.md", page).find((each) => each.id === id);
    for (const line of block?.lines ?? []) {
      const typed = line
        .replace("dev-e", AGENT)
        .replace("ghcr.io", OTHER_REGISTRY)
        .replace("octo-bot", USER);
      const env = { ...process.env, PASSWORD, KUBECONFIG: target.kubeconfig };
      const path = [binDir(lab), process.env.PATH].join(delimiter);
      await runInLab(lab, ["sh", "-c", typed], { cwd: lab.dir, env: { ...env, PATH: path } });
    }
    expect(block?.lines).toHaveLength(2);
    const outcome = await runPrivateImage(target, stack, AGENT, "tool-secret", IMAGES.other);
    expect(outcome).toEqual({ log: expect.stringContaining(MARKER.text) as string });
    await target.kubectl(["delete", "secret", "pull", `--namespace=${AGENT}`]);
  });
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
