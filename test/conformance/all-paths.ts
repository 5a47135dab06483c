import { type GatewayVariant, gatewayVariants } from "../../components/gateway/variant.ts";
import type { AnthropicControl } from "../lab/anthropic/client.ts";
import { deployedStacks, openLab, sandboxInit, takeDown } from "../lab/cluster/index.ts";
import type { Progress } from "../lab/progress.ts";
import type { Pulumi } from "../lab/pulumi/cli.ts";
import { prepareStack } from "../lab/stacks.ts";
import { labTarget, type Target } from "../lab/target.ts";
import { ensureUpstream } from "../lab/upstream.ts";
import type { Report } from "./report/report.ts";
import { openStack } from "./subject/stack.ts";
import type { Subject } from "./subject/subject.ts";

/** Config that selects a path, beside what every spike has. */
const CONFIG: Readonly<Record<GatewayVariant, Readonly<Record<string, string>>>> = {
  litellm: { "gateway.path": "litellm" },
  shim: { "gateway.path": "shim" },
  "envoy-terminate": { "gateway.path": "envoy", "gateway.mode": "terminate" },
  "envoy-sni": {
    "gateway.path": "envoy",
    "gateway.mode": "sni",
    "credential.holder": "agent",
  },
  hybrid: { "gateway.path": "hybrid" },
};

/** Where spikes are made, and how they are measured. */
export interface SpikeRange {
  readonly target: Target;
  readonly pulumi: Pulumi;
  readonly upstream: AnthropicControl;
  readonly long: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly measure: (subject: Subject) => Promise<Report>;
}

/** Measures every path on the embedded cluster, which is left as it was found. */
export async function measureAllPaths(
  args: Pick<SpikeRange, "long" | "progress" | "signal" | "measure">,
): Promise<Report[]> {
  const { progress, signal } = args;
  const lab = openLab();
  // A lab that ended comes back with its stacks.
  const wasThere = sandboxInit(lab) !== undefined || deployedStacks(lab).length > 0;
  try {
    const target = await labTarget(lab, progress);
    const upstream = await ensureUpstream(lab);
    const pulumi = await target.pulumi(progress);
    const reports: Report[] = [];
    for (const variant of gatewayVariants) {
      signal.throwIfAborted();
      reports.push(await measureInSpike(variant, { ...args, target, upstream, pulumi }));
    }
    return reports;
  } finally {
    if (!wasThere) await takeDown(lab, progress);
  }
}

/** Measures one path, with config of its own, in a spike that is destroyed again whatever happens. */
export async function measureInSpike(
  variant: GatewayVariant,
  range: SpikeRange,
  config: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const { target, pulumi, upstream, long, progress, signal, measure } = range;
  const name = `verify-${variant}`;
  const stack = await prepareStack(pulumi, target, name, "spike");
  try {
    for (const [path, value] of Object.entries({ ...CONFIG[variant], ...config })) {
      await stack.setConfig(path, value);
    }
    // Nothing is under way when the spike goes.
    await stack.setConfig("gateway.drainSeconds", "10");
    await progress.step(`pulumi up -s ${name}`, () => stack.up({ signal }));
    const outputs = await stack.outputs();
    return await measure(await openStack({ target, stack: name, outputs, upstream, long }));
  } finally {
    await progress.step(`pulumi destroy -s ${name}`, () => stack.destroy());
    await stack.remove();
  }
}
