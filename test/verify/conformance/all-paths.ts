import {
  type VariantName,
  variantNamed,
  variantNames,
} from "../../../components/gateway/paths/index.ts";
import { deployedStacks, openLab, sandboxInit, takeDown } from "../../lab/cluster/index.ts";
import type { Progress } from "../../lab/progress.ts";
import type { Pulumi, Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import type { Report } from "./report/report.ts";
import { Row } from "./row.ts";
import { openStack } from "./subject/stack.ts";
import type { Subject } from "./subject/subject.ts";

/** The config that selects a variant; the rest of the config is the same for every spike. */
function selecting(name: VariantName): Readonly<Record<string, string>> {
  const { path, mode, holder } = variantNamed(name);
  return {
    "gateway.path": path,
    ...(mode && { "gateway.mode": mode.name }),
    ...(holder === "agent" && { "credential.holder": holder }),
  };
}

/** A spike to measure. */
export interface Spike {
  /** Name of the spike's stack. */
  readonly name: string;
  readonly variant: VariantName;
  /** Config in addition to the config that selects the path. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Where spikes are deployed. */
export interface SpikeRange {
  readonly target: Target;
  readonly pulumi: Pulumi;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A spike for each path. */
export const spikes: readonly Spike[] = variantNames.map((variant) => ({
  name: `verify-${variant}`,
  variant,
}));

/** The spikes, measured one after another. While one is measured, the next is deployed and the previous one destroyed. */
export function spikeRow(
  spikes: readonly Spike[],
  { target, pulumi, progress, signal }: SpikeRange,
): Row<Spike, Stack> {
  return new Row(spikes, {
    async up({ name, variant, config }) {
      signal.throwIfAborted();
      const stack = await prepareStack(pulumi, target, name, "spike", {
        ...selecting(variant),
        // Nothing may be under way when the spike is destroyed.
        "gateway.drainSeconds": "10",
        ...config,
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
  args: Pick<SpikeRange, "progress" | "signal"> & {
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
    const row = spikeRow(spikes, {
      ...{ target, progress, signal },
      pulumi: await target.pulumi(progress),
    });
    const reports: Report[] = [];
    try {
      for (const spike of spikes) {
        signal.throwIfAborted();
        const report = await row.use(spike, async (stack) => {
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
