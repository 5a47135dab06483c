import type { Target } from "../../lab/target.ts";

/** What comes and goes by itself, or is deprecated. */
const IGNORED = /^(events|leases|componentstatuses)(\.|$)/;

/** Every resource of the API server that can be listed, as kubectl names it. */
export async function listableResources(target: Target): Promise<string[]> {
  const names = await target.kubectl(["api-resources", "--verbs=list", "--output=name"]);
  return names
    .trim()
    .split("\n")
    .filter((name) => !IGNORED.test(name));
}

/** Every object on the cluster, in and outside namespaces, a line each, in order. */
export async function inventory(target: Target): Promise<string[]> {
  // Of a Service's address the parent tells whose it is.
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

/** The lines of an inventory that are not of a spike. */
export function without(lines: readonly string[], ...stacks: readonly string[]): string[] {
  return lines.filter((line) => !stacks.some((stack) => line.includes(stack)));
}
