import { allowedHosts } from "../relay/subjects/subject.ts";
import { gatewayStack, measureGateways, type StackArgs } from "./measure.ts";
import type { ProgramResult } from "./samples.ts";

/** Measures previews and updates of path `envoy` with so many hosts in `egress.allow`. */
export async function measureHostLists(
  counts: readonly number[],
  args: StackArgs,
): Promise<ProgramResult> {
  const stacks = counts.map((count) => {
    const stack = gatewayStack(hostsStack(count), "envoy");
    const egress = JSON.stringify({ allow: allowedHosts(count) });
    return { ...stack, settings: { ...stack.settings, egress } };
  });
  return { samples: await measureGateways(stacks, args) };
}

/** The name of such a stack. */
export function hostsStack(count: number): string {
  return count === 1 ? "envoy-1-host" : `envoy-${count}-hosts`;
}
