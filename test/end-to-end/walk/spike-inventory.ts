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

/** What the provisioner of volumes still makes or removes: a pod of its own, or a volume without a claim. */
const UNSETTLED = /\/helper-pod-|PersistentVolume .*\|Released$/;

/** The provisioner tries again after a pause if its pod could not run at once. */
const SETTLE_SECONDS = 180;

/** All objects of the cluster, namespaced or not, one per line, sorted, once the provisioner of volumes has finished. */
export async function inventory(target: Target): Promise<string[]> {
  const deadline = Date.now() + SETTLE_SECONDS * 1000;
  for (;;) {
    const lines = await objects(target);
    if (!lines.some((line) => UNSETTLED.test(line)) || Date.now() > deadline) {
      return lines.map((line) => line.replace(/\|.*$/, "").trim()).sort();
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** One line for each object, with its phase at the end after a `|`. */
async function objects(target: Target): Promise<string[]> {
  // An IPAddress and a PersistentVolume say to which namespace's object they belong.
  const owner = "{.spec.parentRef.namespace}{.spec.claimRef.namespace}";
  const phase = "{.status.phase}";
  const line = `{.apiVersion} {.kind} {.metadata.namespace}/{.metadata.name} ${owner}|${phase}{"\\n"}`;
  const resources = (await listableResources(target)).join();
  const list = await target.kubectl([
    ...["get", resources, "--all-namespaces", "--ignore-not-found"],
    `--output=jsonpath={range .items[*]}${line}{end}`,
  ]);
  return list
    .split("\n")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** The lines of an inventory that do not belong to a spike. */
export function without(lines: readonly string[], ...stacks: readonly string[]): string[] {
  return lines.filter((line) => !stacks.some((stack) => line.includes(stack)));
}
