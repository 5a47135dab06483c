import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { reap } from "../../../commands/spike-reap/reap.ts";
import { runTurn } from "../../lab/claude.ts";
import {
  type Lab,
  openLab,
  restartApiServer,
  startApiServer,
  stopApiServer,
} from "../../lab/cluster/index.ts";
import { imageReference } from "../../lab/images/images.ts";
import { lineProgress } from "../../lab/progress.ts";
import { type Pulumi, PulumiFailed, type Stack } from "../../lab/pulumi/cli.ts";
import { pulumiSpikes } from "../../../commands/spike-reap/lab-spikes.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { inventory, without } from "./spike-inventory.ts";
import { drawnSecrets, leaks, namespaceSurfaces } from "./spike-secrets.ts";

/**
 * Spikes from `up` to nothing: side by side, reaped, and destroyed in bad situations. The tests depend on each other, in
 * order. `before` is the inventory of the cluster without a spike.
 */
const progress = lineProgress();
const HOUR = 3600;

let lab: Lab;
let target: Target;
let pulumi: Pulumi;
let before: string[];
const stacks: Record<string, Stack> = {};

beforeAll(async () => {
  lab = openLab();
  target = await labTarget(lab, progress);
  pulumi = await target.pulumi(progress);
  await clearKilledRun();
  before = await inventory(target);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Removes what an earlier, killed run left behind. */
async function clearKilledRun(): Promise<void> {
  const left = (await pulumi.stacks()).filter((name) => name.startsWith("walk-"));
  for (const name of left) {
    await pulumi.stack(name).destroy();
    await pulumi.stack(name).remove();
  }
  for (const namespace of await spikeNamespaces()) {
    await target.kubectl(["annotate", namespace, "--overwrite", "claude-gateway/ttl-seconds=1"]);
  }
  const { orphans } = await reapIn(0, { orphans: true, orphanTimeoutSeconds: 300 });
  expect(orphans.failed).toEqual([]);
}

/** A new spike, with config in addition to the shipped file. */
async function prepare(name: string, config: Readonly<Record<string, string>>): Promise<Stack> {
  return (stacks[name] = await prepareStack(pulumi, target, name, "spike", config));
}

function stackOf(name: string): Stack {
  const stack = stacks[name];
  if (stack === undefined) throw new Error(`${name} was not prepared`);
  return stack;
}

/** The result of spike:reap for this file's spikes, at a chosen time. */
async function reapIn(seconds: number, { orphans = false, orphanTimeoutSeconds = 0 } = {}) {
  const lines: string[] = [];
  const result = await reap(
    pulumiSpikes(pulumi, target, () => undefined),
    {
      orphans,
      report: (line) => lines.push(line),
      now: () => new Date(Date.now() + seconds * 1000),
      orphanTimeoutSeconds,
    },
  );
  const own = (names: readonly string[]) => names.filter((name) => name.includes("walk-"));
  return {
    lines,
    stacks: {
      gone: own(result.stacks.gone),
      kept: own(result.stacks.kept),
      failed: own(result.stacks.failed),
    },
    orphans: {
      gone: own(result.orphans.gone),
      kept: own(result.orphans.kept),
      failed: own(result.orphans.failed),
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<PulumiFailed> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof PulumiFailed)) throw new Error("Pulumi did not fail", { cause: error });
  return error;
}

/** Names of the namespaces of this file's spikes. */
async function spikeNamespaces(): Promise<string[]> {
  const names = await target.kubectl(["get", "namespaces", "--output=name"]);
  return names
    .trim()
    .split("\n")
    .filter((name) => name.includes("/walk-"));
}

test("two spikes run side by side, each on its own path", async () => {
  await Promise.all([
    prepare("walk-a", { "gateway.path": "envoy", "spike.ttl": "1h" }),
    prepare("walk-b", { "gateway.path": "shim", "spike.ttl": "48h" }),
  ]);
  await Promise.all(["walk-a", "walk-b"].map((name) => stackOf(name).up()));
  expect(await spikeNamespaces()).toEqual([
    "namespace/walk-a-agent",
    "namespace/walk-a-gateway",
    "namespace/walk-b-agent",
    "namespace/walk-b-gateway",
  ]);
  for (const name of ["walk-a", "walk-b"]) {
    const turn = await runTurn(target, { namespace: `${name}-agent`, prompt: `I am ${name}.` });
    expect(turn).toMatchObject({ is_error: false, result: `Turn 1: I am ${name}.` });
  }
});

test("a second `up` changes nothing", async () => {
  const previews = await Promise.all(["walk-a", "walk-b"].map((name) => stackOf(name).preview()));
  for (const { changeSummary = {} } of previews) {
    // It reads the stack's own outputs, which the first `up` made.
    const changes = Object.keys(changeSummary).filter((operation) => operation !== "read");
    expect(changes).toEqual(["same"]);
    expect(changeSummary.same).toBeGreaterThan(15);
  }
});

test("no secret appears in state, stack files, objects or logs", async () => {
  const names = ["walk-a", "walk-b"];
  const clear = await Promise.all(
    names.map((name) => pulumi.execute(["stack", "export", "--stack", name, "--show-secrets"])),
  );
  const secrets = {
    key: target.apiKey,
    ...Object.fromEntries(
      clear.flatMap((text, index) =>
        Object.entries(drawnSecrets(text)).map(([name, value]) => [
          `${String(names[index])}/${name}`,
          value,
        ]),
      ),
    ),
  };
  // The agents' tokens, LiteLLM's master key, the token between Envoy and LiteLLM, and the key.
  expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(5);

  const surfaces: Record<string, string> = {};
  for (const name of names) {
    surfaces[`state of ${name}`] = await stackOf(name).export();
    surfaces[`file of ${name}`] = await readFile(stackOf(name).configFile, "utf8");
    Object.assign(surfaces, await namespaceSurfaces(target, `${name}-gateway`));
    Object.assign(surfaces, await namespaceSurfaces(target, `${name}-agent`));
  }
  expect(leaks(surfaces, secrets)).toEqual([]);

  // The search does find planted secrets, plain and encoded, in each kind of place.
  const agent = "--namespace=walk-a-agent";
  const encoded = Buffer.from(`key=${target.apiKey}`).toString("base64");
  await target.kubectl(["create", "configmap", "planted", agent, `--from-literal=a=${encoded}`]);
  const say = `echo '${target.apiKey}' >/proc/1/fd/1`;
  await target.kubectl(["exec", agent, "service/runner", "--", "sh", "-c", say]);
  const planted = leaks(await namespaceSurfaces(target, "walk-a-agent"), secrets);
  expect(planted).toEqual([
    "key in ConfigMap walk-a-agent/planted",
    expect.stringMatching(/^key in log of agent-\S+-runner-/),
  ]);
  expect(leaks({ "state in the clear": clear.join("\n") }, secrets)).toEqual(
    Object.keys(secrets).map((name) => `${name} in state in the clear`),
  );
  await target.kubectl(["delete", "configmap", "planted", agent]);
});

test("an invalid configuration fails with one message and creates nothing", async () => {
  const stack = await prepare("walk-bad", { "gateway.path": "nonsense" });
  const { exitCode, output } = await failureOf(stack.up());
  expect(exitCode).not.toBe(0);
  expect(output).toContain(
    'Stack "walk-bad" has 1 mistake in its configuration; nothing was changed.\n',
  );
  expect(output).toContain(
    'gateway.path = "nonsense" is not one of litellm, shim, envoy, hybrid: pulumi config set --path gateway.path litellm|shim|envoy|hybrid',
  );
  expect(output).not.toContain("    at ");
  const { deployment } = JSON.parse(await stack.export()) as {
    deployment: { resources?: { type: string }[] };
  };
  expect((deployment.resources ?? []).map(({ type }) => type)).toEqual(["pulumi:pulumi:Stack"]);
  expect(without(await inventory(target), "walk-a", "walk-b")).toEqual(before);
  await stack.destroy();
  await stack.remove();
});

test("an expired spike whose pods are crash-looping is reaped, and others are kept", async () => {
  const stack = await prepare("walk-crash", {
    "gateway.path": "envoy",
    // Without the Envoy image its pod cannot start.
    "images.envoy": await imageReference("node"),
    "spike.ttl": "30m",
  });
  const stop = new AbortController();
  const up = failureOf(stack.up({ signal: stop.signal }));
  await crashLooping("walk-crash-gateway");
  stop.abort();
  await up;

  expect((await reapIn(0)).stacks).toEqual({
    gone: [],
    kept: ["walk-a", "walk-b", "walk-crash"],
    failed: [],
  });
  const { stacks } = await reapIn(0.75 * HOUR);
  expect(stacks).toEqual({ gone: ["walk-crash"], kept: ["walk-a", "walk-b"], failed: [] });
  expect(await pulumi.stacks()).not.toContain("walk-crash");
  expect(without(await inventory(target), "walk-a", "walk-b")).toEqual(before);
});

test("destroy leaves nothing behind after a namespace was deleted by hand, or while the API server restarts", async () => {
  const stack = stackOf("walk-b");
  await target.kubectl(["delete", "namespace", "walk-b-agent"]);
  let restart: Promise<void> | undefined;
  const first = stack.destroy({
    onOutput: (text) => {
      if (text.includes("deleting")) restart ??= restartApiServer(lab);
    },
  });
  // The provider may or may not survive the restart; both are acceptable.
  await first.catch((error: unknown) => {
    expect(error).toBeInstanceOf(PulumiFailed);
  });
  expect(restart).toBeDefined();
  await restart;
  await stack.destroy();
  await stack.remove();
  expect(without(await inventory(target), "walk-a")).toEqual(before);
});

test("while the API server cannot be reached, destroy fails with one message, or removes the unreachable resources from the state", async () => {
  const stack = stackOf("walk-a");
  await stopApiServer(lab);
  try {
    const { output } = await failureOf(stack.destroy());
    const said = new Set(output.match(/error: .*/g));
    // A line that the engine adds.
    said.delete("error: update failed");
    expect([...said]).toEqual([
      expect.stringMatching(/cluster is unreachable.*PULUMI_K8S_DELETE_UNREACHABLE/),
    ]);

    vi.stubEnv("PULUMI_K8S_DELETE_UNREACHABLE", "true");
    const forgetful = (await target.pulumi(progress)).stack(stack.name);
    await forgetful.destroy();
    await forgetful.remove();
  } finally {
    await startApiServer(lab);
  }
  expect(await pulumi.stacks()).not.toContain("walk-a");
  expect(await spikeNamespaces()).toEqual(["namespace/walk-a-agent", "namespace/walk-a-gateway"]);
});

test("a spike that no stack owns is kept until it expires and is then reaped", async () => {
  const namespaces = ["walk-a-agent", "walk-a-gateway"];
  const early = await reapIn(0, { orphans: true });
  expect(early.orphans).toEqual({
    gone: [],
    kept: namespaces.map((name) => `Namespace/${name}`),
    failed: [],
  });

  const past = ["--overwrite", "claude-gateway/ttl-seconds=1"];
  await target.kubectl(["annotate", "namespaces", ...namespaces, ...past]);
  const command = ["run", "--silent", "spike:reap", "--", "--lab", "--orphans"];
  const { status, stdout } = spawnSync("npm", command, {
    cwd: lab.cloneDir,
    encoding: "utf8",
    timeout: 300_000,
  });
  for (const name of namespaces) {
    expect(stdout).toMatch(
      new RegExp(`^namespace ${name}: no stack owns it and it expired at `, "m"),
    );
    expect(stdout).toContain(`Namespace/${name}: gone\n`);
  }
  for (const object of [
    "ValidatingAdmissionPolicy/claude-gateway-agents-walk-a-gateway",
    "ValidatingAdmissionPolicyBinding/claude-gateway-agents-walk-a-gateway",
    "PriorityClass/walk-a-gateway",
  ]) {
    expect(stdout).toContain(
      `${object}: no stack owns it and its namespaces are gone; deleting it\n`,
    );
  }
  expect(stdout).toMatch(/\n5 reaped, \d+ kept, 0 failed\n$/);
  expect(status).toBe(0);
  expect(await inventory(target)).toEqual(before);
});

test("an orphan that cannot be deleted is reported with what blocks it, and its finalizer is kept", async () => {
  const labels = { "claude-gateway/kind": "spike", "claude-gateway/stack": "walk-stuck" };
  const annotations = { "claude-gateway/ttl-seconds": "1" };
  const held = ["configmap", "held", "--namespace=walk-stuck"];
  const objects = [
    { kind: "Namespace", metadata: { name: "walk-stuck", labels, annotations } },
    {
      kind: "ConfigMap",
      metadata: { name: "held", namespace: "walk-stuck", finalizers: ["walk.test/hold"] },
    },
  ].map((object) => ({ apiVersion: "v1", ...object }));
  const items = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  await target.kubectl(["create", "--filename=-"], { input: items });

  await target.kubectl(["delete", "namespace", "walk-stuck", "--wait=false"]);
  await vi.waitUntil(
    async () =>
      (await target.kubectl(["get", "namespace", "walk-stuck", "--output=json"])).includes(
        "walk.test/hold",
      ),
    { timeout: 60_000, interval: 500 },
  );
  const { orphans, lines } = await reapIn(HOUR, { orphans: true });
  expect(orphans).toEqual({ gone: [], kept: [], failed: ["Namespace/walk-stuck"] });
  expect(lines.join("\n")).toMatch(
    /^Namespace\/walk-stuck: not gone after 0 s; blocked by\n(?: {2}.*\n)* {2}NamespaceFinalizersRemaining: .*walk\.test\/hold/m,
  );
  const finalizers = await target.kubectl([
    "get",
    ...held,
    "--output=jsonpath={.metadata.finalizers}",
  ]);
  expect(finalizers).toBe('["walk.test/hold"]');

  await target.kubectl(["patch", ...held, "--patch", '{"metadata":{"finalizers":null}}']);
  // Otherwise the namespace controller, which retries ever less often, would not look again for a minute.
  await target.kubectl(["annotate", "namespace", "walk-stuck", "walk.test/look=again"]);
  await target.kubectl(["wait", "--for=delete", "namespace/walk-stuck", "--timeout=60s"]);
  expect(await inventory(target)).toEqual(before);
});

/** Waits until a container in a namespace was restarted several times. */
async function crashLooping(namespace: string): Promise<void> {
  for (;;) {
    const pods = await target.kubectl(["get", "pods", `--namespace=${namespace}`, "--output=json"]);
    if (pods.includes('"CrashLoopBackOff"')) return;
    await sleep(500);
  }
}
