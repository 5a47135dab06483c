import { type GatewayVariant, gatewayVariants } from "../../components/gateway/variant.ts";
import { openLab, sandboxInit, takeDown } from "../lab/cluster/index.ts";
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

/** Measures every path on the embedded cluster, each in a spike of its own that is destroyed again. */
export async function measureAllPaths(
  options: {
    readonly long: boolean;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
  measure: (subject: Subject) => Promise<Report>,
): Promise<Report[]> {
  const { progress, signal } = options;
  const lab = openLab();
  const wasUp = sandboxInit(lab) !== undefined;
  try {
    const target = await labTarget(lab, progress);
    const upstream = await ensureUpstream(lab);
    const pulumi = await target.pulumi(progress);
    const reports: Report[] = [];
    for (const variant of gatewayVariants) {
      signal.throwIfAborted();
      reports.push(
        await inSpike({ ...options, variant, target, pulumi }, async (stack, outputs) =>
          measure(await openStack({ target, stack, outputs, upstream, long: options.long })),
        ),
      );
    }
    return reports;
  } finally {
    if (!wasUp) await takeDown(lab, progress);
  }
}

async function inSpike(
  args: {
    readonly variant: GatewayVariant;
    readonly target: Target;
    readonly pulumi: Pulumi;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
  work: (stack: string, outputs: Record<string, unknown>) => Promise<Report>,
): Promise<Report> {
  const { variant, target, pulumi, progress, signal } = args;
  const name = `verify-${variant}`;
  const stack = await prepareStack(pulumi, target, name, "spike");
  for (const [path, value] of Object.entries(CONFIG[variant])) await stack.setConfig(path, value);
  await stack.setConfig("gateway.drainSeconds", "10");
  try {
    await progress.step(`pulumi up -s ${name}`, () => stack.up({ signal }));
    return await work(name, await stack.outputs());
  } finally {
    await progress.step(`pulumi destroy -s ${name}`, () => stack.destroy());
    await stack.remove();
  }
}
