import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";

/** Names of the Pulumi stacks on a lab's cluster. Their state is part of the lab and is removed with it. */
export function deployedStacks(lab: Lab): string[] {
  const projects = join(lab.dir, "pulumi/state/.pulumi/stacks");
  if (!existsSync(projects)) return [];
  return readdirSync(projects)
    .flatMap((project) => readdirSync(join(projects, project)))
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}
