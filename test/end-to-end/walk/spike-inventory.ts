import type { Target } from "../../lab/target.ts";

/** Kinds of objects that come and go by themselves or are deprecated. */
const IGNORED = /^(events|leases|componentstatuses)(\.|$)/;

/** All resources that the API server can list, with kubectl's names. */
export async function listableResources(target: Target): Promise<string[]> {
  const names = await target.kubectl(["api-resources", "--verbs=list", "--output=name"]);
  return names
    .trim()
    .split("\n")
    .filter((name) => !IGNORED.test(name));
}

/** All objects of the cluster, namespaced or not, one per line, sorted. */
export async function inventory(target: Target): Promise<string[]> {
  // For an IPAddress, its parent reference says to which Service it belongs.
  const line =
    '{.apiVersion} {.kind} {.metadata.namespace}/{.metadata.name} {.spec.parentRef.namespace}{"\\n"}';
  const resources = (await listableResources(target)).join();
  const list = await target.kubectl([
    ...["get", resources, "--all-namespaces", "--ignore-not-found"],
    `--output=jsonpath={range .items[*]}${line}{end}`,
  ]);
  return list
    .split("\n")
    .map((each) => each.trim())
    .filter((each) => each !== "")
    .sort();
}

/** The lines of an inventory that do not belong to a spike. */
export function without(lines: readonly string[], ...stacks: readonly string[]): string[] {
  return lines.filter((line) => !stacks.some((stack) => line.includes(stack)));
}
