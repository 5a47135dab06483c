import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLab } from "../../lab/cluster/index.ts";
import type { Progress } from "../../lab/progress.ts";
import { Pulumi, type Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { measureLocal } from "./local.ts";
import { gatewayPods } from "./pods.ts";
import { type Action, actions, type ProgramResult, type ProgramSample } from "./samples.ts";

/** The options of `measureProgram`. */
export interface ProgramArgs {
  /** Gateway paths to deploy, each starting from nothing. */
  readonly paths: readonly GatewayPath[];
  /** Numbers of agents with which to deploy path `envoy`. */
  readonly agents: readonly number[];
  /** How often to repeat each command that changes nothing. */
  readonly repeats: number;
  /** Whether to measure `npm run local`, which begins by deleting this clone's cluster. */
  readonly local: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export type GatewayPath = "litellm" | "shim" | "envoy" | "hybrid";

const GATEWAY_NAMESPACE = "bench-gateway";
const PREFIX = "bench-";

/** Measures what a user waits for: previews and updates of each kind of stack, and pods that start. */
export async function measureProgram(args: ProgramArgs): Promise<ProgramResult> {
  const { progress, signal } = args;
  const samples: ProgramSample[] = [];
  await progress.step("A host stack", async () => {
    samples.push(...(await measureHost(args)));
  });
  if (args.local) samples.push(...(await measureLocal(openLab(), progress, signal)));
  const gateways: GatewayStack[] = [
    ...args.paths.map((path) => gatewayStack(path, path)),
    { name: "spike", like: "spike", agents: 1, settings: {} },
    ...args.agents
      .filter((count) => count > 1)
      .map((count) => gatewayStack("envoy", "envoy", count)),
  ];
  if (args.paths.length > 0) samples.push(...(await measureGateways(gateways, args)));
  return { samples };
}

/** A stack to deploy on the embedded cluster. */
export interface GatewayStack {
  /** Name of its row. */
  readonly name: string;
  /** The shipped stack whose config it begins with. */
  readonly like: "local" | "spike";
  readonly agents: number;
  readonly settings: Settings;
}

/** What all measurements of stacks have in common. */
export type StackArgs = Pick<ProgramArgs, "repeats" | "progress" | "signal">;

/** Deploys each stack from nothing, one after the other. */
export async function measureGateways(
  stacks: readonly GatewayStack[],
  args: StackArgs,
): Promise<ProgramSample[]> {
  const { progress, signal } = args;
  const target = await labTarget(openLab(), progress);
  const pulumi = await target.pulumi(progress);
  await clear(pulumi);
  const samples: ProgramSample[] = [];
  for (const { name, like, agents, settings } of stacks) {
    signal.throwIfAborted();
    const title = agents > 1 ? `${name} with ${agents} agents` : name;
    await progress.step(`Stack ${title}`, async () => {
      const stack = await prepareStack(pulumi, target, PREFIX + name, like);
      try {
        for (const [key, value] of Object.entries(settings)) {
          await (value === undefined ? stack.removeConfig(key) : stack.setConfig(key, value));
        }
        const namespace = like === "spike" ? `${stack.name}-gateway` : GATEWAY_NAMESPACE;
        samples.push(...(await lifetime(stack, name, agents, args, { target, namespace })));
      } finally {
        await stack.destroy();
        await stack.remove();
      }
    });
  }
  return samples;
}

/** Config by path. A key without a value is removed. */
type Settings = Readonly<Record<string, string | undefined>>;

/** A gateway with its agents' namespaces. The agents' workloads, which teams bring themselves, do not run. */
export function gatewayStack(name: string, path: GatewayPath, agents = 1): GatewayStack {
  const names = Array.from({ length: agents }, (_, index) => ({
    name: `bench-agent-${index + 1}`,
  }));
  const settings = {
    "gateway.path": path,
    "gateway.namespace": GATEWAY_NAMESPACE,
    agents: JSON.stringify(names),
    "images.runner": undefined,
  };
  return { name, like: "local", agents, settings };
}

async function measureHost(args: ProgramArgs): Promise<ProgramSample[]> {
  const dir = await mkdtemp(join(tmpdir(), "bench-host-"));
  try {
    const pulumi = await Pulumi.open({
      clone: openLab().cloneDir,
      dir: join(dir, "pulumi"),
      progress: args.progress,
      env: { ...process.env, CLAUDE_GATEWAY_GCP_WORLD: join(dir, "world") },
    });
    const stack = pulumi.stack("host");
    await stack.init();
    await stack.setConfig("gcp:project", "bench-project");
    await stack.setConfig("gcp:zone", "europe-west1-b");
    return await lifetime(stack, "host", 0, args);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Deploys a stack from nothing, and ends with an update that changes nothing. */
async function lifetime(
  stack: Stack,
  name: string,
  agents: number,
  { repeats, progress, signal }: StackArgs,
  gateway?: { readonly target: Target; readonly namespace: string },
): Promise<ProgramSample[]> {
  const samples: ProgramSample[] = [];
  const add = (action: Action, seconds: number) => {
    progress.note(`  ${name}: ${actions[action]}: ${seconds.toFixed(1)} s`);
    samples.push({ stack: name, agents, action, seconds });
  };
  const time = async (action: Action, work: () => Promise<unknown>) => {
    const started = performance.now();
    await work();
    add(action, (performance.now() - started) / 1000);
  };
  const times = async (action: Action, work: () => Promise<unknown>) => {
    // With many agents only the update matters.
    for (let count = 0; count < (agents > 1 ? 1 : repeats); count++) await time(action, work);
  };
  await times("preview", () => stack.preview({ signal }));
  const started = Date.now();
  await time("up", () => stack.up({ signal }));
  if (gateway !== undefined && agents === 1) {
    const pods = await gatewayPods(gateway.target, gateway.namespace);
    const ready = Math.max(...pods.map((pod) => pod.readyAt));
    add("gateway-ready", Math.max(0, (ready - started) / 1000));
    for (const pod of pods) add(`${pod.program}-ready`, pod.secondsToReady);
  }
  await times("preview-unchanged", () => stack.preview({ signal }));
  await times("up-unchanged", () => stack.up({ signal }));
  return samples;
}

/** Removes what a killed run left behind. */
async function clear(pulumi: Pulumi): Promise<void> {
  for (const name of (await pulumi.stacks()).filter((stack) => stack.startsWith(PREFIX))) {
    await pulumi.stack(name).destroy();
    await pulumi.stack(name).remove();
  }
}
