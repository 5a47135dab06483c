import { type Lab, openLab } from "../../lab/cluster/index.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { ensureHosts } from "../../lab/hosts/hosts.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream, LAB_API_KEY } from "../../lab/upstream.ts";
import type { Attempt, Surroundings } from "../../verify/egress/attempt.ts";
import { enter } from "../../verify/egress/surroundings.ts";
import { tryAttempts } from "../../verify/egress/tries.ts";
import { Witness } from "../../verify/egress/witness.ts";

/** The running stack for these tests, with two agents, and what is needed to break it. */
export interface Range {
  readonly lab: Lab;
  readonly target: Target;
  readonly stack: Stack;
  readonly upstream: AnthropicControl;
  readonly witness: Witness;
  readonly around: Surroundings;
  /** Namespace of the agent from which no attempts are made. */
  readonly otherAgent: string;
  readonly leave: () => Promise<void>;
}

const STACK = "local";
const OTHER_AGENT = "dev-f";

/** Deploys stack `local` on path `shim`, or updates it if it exists. */
export async function openRange(): Promise<Range> {
  const progress = lineProgress();
  const lab = openLab();
  const target = await labTarget(lab, progress);
  await ensureHosts(lab);
  const upstream = await ensureUpstream(lab);
  await upstream.reset();
  await upstream.setCredentials([LAB_API_KEY]);
  const stack = await prepareStack(await target.pulumi(progress), target, STACK);
  await stack.removeConfig("gateway.mode");
  await stack.configure({
    "gateway.path": "shim",
    "credential.holder": "gateway",
    "agents[1].name": OTHER_AGENT,
  });
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
  const { around, leave } = await enter({ target, stack: STACK, outputs: await stack.outputs() });
  const witness = await Witness.start(lab);
  return {
    ...{ lab, target, stack, upstream, witness, around, otherAgent: OTHER_AGENT },
    leave: async () => {
      await witness.stop();
      await leave();
    },
  };
}

/** The ids of the attempts that get through or get packets outside, and unexpected traffic that arrived outside. */
export async function openAttempts(attempts: readonly Attempt[], range: Range): Promise<string[]> {
  const { of, unaccounted } = await tryAttempts(attempts, range.around, range);
  const open = attempts.filter((attempt) => {
    const came = of.get(attempt);
    return came?.through === true || (came?.arrived.length ?? 0) > 0;
  });
  return [...open.map(({ id }) => id), ...unaccounted];
}
