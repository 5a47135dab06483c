import { existsSync, statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { themeOf } from "../../verify/conformance/checks/check.ts";
import { checks } from "../../verify/conformance/checks/index.ts";
import { openStack } from "../../verify/conformance/subject/stack.ts";
import { measure } from "../../verify/conformance/measure.ts";
import { differs } from "../../verify/conformance/report/report.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn } from "../../lab/claude.ts";
import { type Lab, openLab } from "../../lab/cluster/index.ts";
import { HostMachine } from "../../lab/host/machine.ts";
import { lineProgress } from "../../lab/progress.ts";
import { type Preview, type Pulumi, PulumiFailed, type Stack } from "../../lab/pulumi/cli.ts";
import { World } from "../../lab/pulumi/gcp/world.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import { cloudOfWorld } from "./cloud-of-world.ts";
import {
  boot,
  k3sToken,
  makePlaces,
  openPulumi,
  openTunnel,
  removeAdmin,
  type Places,
  type Tunnel,
  typed,
} from "./surroundings.ts";

/**
 * The whole story, in order: a host stack, its machine, the tunnel, a gateway stack and a spike that refer to the host, the
 * verdict, a renewed certificate, and the destruction of everything. The embedded cluster takes the place of the cluster on
 * the machine. The machine itself boots with the metadata, secrets and grants that the stack created.
 */
const progress = lineProgress();
const RELEASE = "v1.36.3+k3s1";
const HOST = "organization/claude-gateway/host";
const KUBECONFIG = `.kube/claude-gateway/${HOST}.yaml`;
/** Path of the kubeconfig when its name was the stack's short name. */
const FORMER_KUBECONFIG = "~/.kube/claude-gateway-host.yaml";
const WHERE = "gateway-host (my-project, europe-west1-b)";
const OWNED = "namespaces,validatingadmissionpolicies,validatingadmissionpolicybindings";

let lab: Lab;
let target: Target;
let upstream: AnthropicControl;
let places: Places;
let pulumi: Pulumi;
let world: World;
let machine: HostMachine;
let tunnel: Tunnel | undefined;
let host: Stack;
let gateway: Stack;
let spike: Stack;

beforeAll(async () => {
  lab = openLab();
  target = await labTarget(lab, progress);
  upstream = await ensureUpstream(lab);
  await target.kubectl(["delete", OWNED, "--selector=claude-gateway/stack in (gateway,story)"]);
  places = await makePlaces(lab);
  pulumi = await openPulumi(lab, places, progress);
  world = new World(places.world);
  machine = await HostMachine.create(places.machine);
  machine.cloud = { attributes: {}, secrets: {}, releases: {} };
  [host, gateway, spike] = ["host", "gateway", "story"].map((name) => pulumi.stack(name)) as [
    Stack,
    Stack,
    Stack,
  ];
});

afterAll(async () => {
  await tunnel?.close();
  await machine.powerOff();
  await removeAdmin(target);
  await rm(places.dir, { recursive: true, force: true });
});

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof PulumiFailed)) throw new Error("Pulumi did not fail", { cause: error });
  return error.output;
}

const bootAs = (admin: string) => boot({ lab, target, places, machine, progress }, admin);

function changes({ steps = [] }: Preview): string[] {
  return steps
    .filter(({ op }) => !["same", "read", "refresh"].includes(op))
    .map(({ op, urn }) => `${op} ${urn}`);
}

/** Names of the namespaces and cluster-scoped objects that the stacks created. */
async function owned(): Promise<string[]> {
  const list = await target.kubectl([
    ...["get", OWNED, "--output=name"],
    "--selector=claude-gateway/stack in (gateway,story)",
  ]);
  return list.split("\n").filter((name) => name.startsWith("namespace/"));
}

test("after the host is created, a gateway stack and the tunnel report how far its machine is", async () => {
  await host.init("host");
  await host.setConfig("gcp:project", "my-project");
  await host.setConfig("gcp:zone", "europe-west1-b");
  const [, sha256 = ""] = machine.makeRelease(RELEASE).split(" ");
  await host.setConfig("k3s.sha256", sha256);
  await progress.step("pulumi up -s host", () => host.up());

  await gateway.init("gateway");
  await gateway.setConfig("credential.value", target.apiKey, { secret: true });
  await gateway.setConfig("images.runner", target.runnerImage);
  // Stack `local` of this lab may already use the shipped names.
  await gateway.setConfig("gateway.namespace", "story-llm");
  await gateway.setConfig("agents[0].name", "story-dev");
  const notYet = `${WHERE}: the machine has not reported yet; a first boot takes a minute or two`;
  const output = await failureOf(gateway.preview());
  expect(JSON.parse(output.slice(0, output.lastIndexOf("}") + 1))).toMatchObject({
    diagnostics: [
      {
        severity: "error",
        message:
          `error: There is no kubeconfig of host stack "${HOST}" at ~/${KUBECONFIG}: run \`npm run tunnel -- --stack ${HOST}\` and leave it running\n` +
          `  npm run host:status -- --stack ${HOST} says: ${notYet}\n  Nothing was changed.\n`,
      },
    ],
  });
  expect(await typed(lab, pulumi, "tunnel", "--", "--stack", "host")).toEqual({
    status: 1,
    output: `No kubeconfig yet. ${notYet}\n`,
  });
});

test("the machine boots with the stack's metadata, and the tunnel leads to its cluster", async () => {
  const { attributes, secrets } = cloudOfWorld(world.existing, await k3sToken(pulumi, "host"));
  machine.cloud = { ...machine.cloud, attributes, secrets };
  await bootAs("first-admin");
  const ready = await typed(lab, pulumi, "host:status", "--", "--stack", "host");
  expect(ready.output).toContain(`${WHERE}: ready, k3s ${RELEASE}\n`);
  expect(ready.status).toBe(0);

  tunnel = await openTunnel(lab, pulumi, "--stack", "host");
  const file = join(places.home, KUBECONFIG);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(tunnel.output).toContain(`Kubeconfig written to ~/${KUBECONFIG}.`);
});

test("a gateway stack and a spike that refer to the host are deployed on it", async () => {
  await spike.init("spike");
  await spike.setConfig("host.stack", "host");
  await spike.setConfig("gateway.path", "hybrid");
  await spike.setConfig("credential.value", target.apiKey, { secret: true });
  await spike.setConfig("images.runner", target.runnerImage);
  await progress.step("pulumi up -s gateway, and of a spike", () =>
    Promise.all([gateway.up(), spike.up()]),
  );
  expect(await owned()).toEqual([
    ...["namespace/story-agent", "namespace/story-dev"],
    ...["namespace/story-gateway", "namespace/story-llm"],
  ]);
  const turn = await runTurn(target, { namespace: "story-agent", prompt: "I am a spike." });
  expect(turn).toMatchObject({ is_error: false, result: "Turn 1: I am a spike." });
});

/** The checks to run here. The other checks on this path take longer and run in their own test. */
const THEMES = ["errors", "caching", "configuration"];

test("the verdict on the gateway is what the reviewed table says", async () => {
  const outputs = await gateway.outputs();
  const args = { target, stack: "gateway", outputs, upstream, long: false };
  const subject = await openStack(args);
  try {
    const report = await progress.step("Measuring envoy", () =>
      measure(
        subject,
        undefined,
        checks.filter(({ id }) => THEMES.includes(themeOf(id))),
      ),
    );
    expect(report.path).toBe("envoy-terminate");
    expect(report.checks.filter(differs)).toEqual([]);
    expect(report.checks.filter(({ status }) => status === "pass").length).toBeGreaterThan(30);
  } finally {
    subject.close();
  }
});

test("one `up` changes a stack to the new path of the kubeconfig and keeps all its resources", async () => {
  const moved = async (from: string, to: string) => {
    const file = join(places.dir, "gateway.json");
    await writeFile(file, (await gateway.export()).replaceAll(from, to));
    await pulumi.execute(["stack", "import", "--stack", "gateway", "--file", file]);
  };
  await moved(`~/${KUBECONFIG}`, FORMER_KUBECONFIG);
  const planned = changes(await gateway.preview());
  expect(planned).toEqual([
    expect.stringMatching(/^update .*::pulumi:providers:kubernetes::cluster$/),
  ]);
  await gateway.up();
  expect(await gateway.export()).not.toContain(FORMER_KUBECONFIG);
  expect(changes(await gateway.preview({ refresh: true }))).toEqual([]);
});

test("with a renewed certificate and another port, nothing changes and destroy works", async () => {
  await tunnel?.close();
  tunnel = undefined;
  await bootAs("second-admin");
  const output = await failureOf(gateway.preview());
  expect(output).toContain(
    `The API of host stack \\"${HOST}\\" cannot be reached: https://127.0.0.1:16443 does not answer (ECONNREFUSED). Run \`npm run tunnel -- --stack ${HOST}\` and leave it running`,
  );
  expect(output).toContain(`npm run host:status -- --stack ${HOST} says: ${WHERE}: ready, k3s`);

  tunnel = await openTunnel(lab, pulumi, "--stack", "host", "--port", "17443");
  for (const stack of [gateway, spike]) {
    expect(changes(await stack.preview({ refresh: true }))).toEqual([]);
  }
  states = await Promise.all([gateway, spike].map((stack) => stack.export()));
  await progress.step("pulumi destroy -s gateway", () => gateway.destroy());
  expect(await owned()).toEqual(["namespace/story-agent", "namespace/story-gateway"]);
});

/** The stacks' states before they were destroyed. */
let states: string[] = [];

test("the spike and then the host are destroyed completely", async () => {
  await progress.step("pulumi destroy of the spike", () => spike.destroy());
  expect(await owned()).toEqual([]);
  await tunnel?.close();
  tunnel = undefined;
  await host.setConfig("host.protect", "false");
  await host.up();
  await host.destroy();
  expect(world.existing).toEqual({});
  await machine.powerOff();
});

test("one variable removes stacks whose host was destroyed before them", async () => {
  await rm(join(places.home, KUBECONFIG));
  const forgetful = await openPulumi(lab, places, progress, {
    PULUMI_K8S_DELETE_UNREACHABLE: "true",
  });
  for (const [index, { name }] of [gateway, spike].entries()) {
    const file = join(places.dir, `${name}.json`);
    await writeFile(file, states[index] ?? "");
    await pulumi.execute(["stack", "import", "--stack", name, "--file", file]);
    expect(await failureOf(pulumi.stack(name).destroy())).toMatch(
      /cluster is unreachable.*PULUMI_K8S_DELETE_UNREACHABLE/,
    );
    await forgetful.stack(name).destroy();
    const { deployment } = JSON.parse(await pulumi.stack(name).export()) as {
      deployment: { resources?: unknown[] };
    };
    expect(deployment.resources ?? []).toEqual([]);
    await forgetful.stack(name).remove();
  }
  expect(existsSync(join(places.home, KUBECONFIG))).toBe(false);
});
