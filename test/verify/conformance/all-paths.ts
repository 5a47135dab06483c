import {
  type VariantName,
  variantNamed,
  variantNames,
} from "../../../components/gateway/paths/index.ts";
import { isMetered } from "../../../components/gateway/paths/variant.ts";
import { deployedStacks, openLab, sandboxInit, takeDown } from "../../lab/cluster/index.ts";
import type { Progress } from "../../lab/progress.ts";
import type { Pulumi, Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import type { Report } from "./report/report.ts";
import { Row } from "./row.ts";
import { SPENDER } from "./spender.ts";
import { openStack } from "./subject/stack.ts";
import type { Subject } from "./subject/subject.ts";

/** The config of a trial. A spike has one agent only, so a trial is of kind `gateway`. */
function configOf({ name, variant }: Trial): Readonly<Record<string, string>> {
  const selected = variantNamed(variant);
  return {
    "gateway.path": selected.path,
    ...(selected.mode && { "gateway.mode": selected.mode.name }),
    ...(selected.holder === "agent" && { "credential.holder": selected.holder }),
    "gateway.namespace": `${name}-gateway`,
    // Nothing may be under way when the trial is destroyed.
    "gateway.drainSeconds": "10",
    "agents[0].name": `${name}-agent`,
    // The table shows what a path itself keeps and loses.
    "egress.serverFetch": "allow",
    ...(isMetered(selected) && {
      "agents[1].name": `${name}${SPENDER}`,
      "agents[1].budget.usdPer30Days": "0.01",
    }),
  };
}

/** A throw-away stack to measure. */
export interface Trial {
  /** Name of the stack. */
  readonly name: string;
  readonly variant: VariantName;
  /** Config in addition to the config that selects the path. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Where trials are deployed. */
export interface TrialRange {
  readonly target: Target;
  readonly pulumi: Pulumi;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A trial for each path. */
export const trials: readonly Trial[] = variantNames.map((variant) => ({
  name: `verify-${variant}`,
  variant,
}));

/** The trials, measured one after another. While one is measured, the next is deployed and the previous one destroyed. */
export function trialRow(
  trials: readonly Trial[],
  { target, pulumi, progress, signal }: TrialRange,
): Row<Trial, Stack> {
  return new Row(trials, {
    async up(trial) {
      signal.throwIfAborted();
      const { name } = trial;
      const stack = await prepareStack(pulumi, target, name, "local", {
        ...configOf(trial),
        ...trial.config,
      });
      await progress.step(`pulumi up -s ${name}`, () => stack.up({ signal }));
      return stack;
    },
    async down({ name }) {
      if (!(await pulumi.stacks()).includes(name)) return;
      const stack = pulumi.stack(name);
      await progress.step(`pulumi destroy -s ${name}`, () => stack.destroy());
      await stack.remove();
    },
  });
}

/** Measures every path on the embedded cluster, and leaves the cluster as it was before. */
export async function measureAllPaths(
  args: Pick<TrialRange, "progress" | "signal"> & {
    readonly long: boolean;
    readonly measure: (subject: Subject) => Promise<Report>;
  },
): Promise<Report[]> {
  const { long, progress, signal, measure } = args;
  const lab = openLab();
  // A stopped lab starts again with its stacks.
  const wasThere = sandboxInit(lab) !== undefined || deployedStacks(lab).length > 0;
  try {
    const target = await labTarget(lab, progress);
    const upstream = await ensureUpstream(lab);
    const row = trialRow(trials, {
      ...{ target, progress, signal },
      pulumi: await target.pulumi(progress),
    });
    const reports: Report[] = [];
    try {
      for (const trial of trials) {
        signal.throwIfAborted();
        const report = await row.use(trial, async (stack) => {
          const outputs = await stack.outputs();
          return measure(await openStack({ target, stack: stack.name, outputs, upstream, long }));
        });
        reports.push(report);
      }
    } finally {
      await row.end();
    }
    return reports;
  } finally {
    if (!wasThere) await takeDown(lab, progress);
  }
}
