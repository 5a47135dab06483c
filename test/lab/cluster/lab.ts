import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "../parts/store.ts";

/** One lab: the embedded cluster of one clone of the repository. */
export interface Lab {
  /** The clone that the lab belongs to. */
  readonly cloneDir: string;
  /** First 8 hex digits of the hash over the paths of clone and cache, and the name if it has one. */
  readonly id: string;
  /** Everything that the lab keeps; gone when it is taken down. */
  readonly dir: string;
  /** The cluster administrator's, usable inside the sandbox. */
  readonly kubeconfig: string;
  /** Unix socket that the NetworkPolicy controller is controlled by. */
  readonly netpolSocket: string;
  /** A log of each program, `<name>.log`. */
  readonly logDir: string;
  /** The cgroup, in every hierarchy, under which the cluster's pods run. */
  readonly cgroup: string;
}

// These have contents of the lab's own inside the sandbox.
const PRIVATE_DIRS = ["/run", "/var/run", "/var/lib", "/var/log", "/proc", "/sys"];

/** Names a further lab of the same clone: tests that have a cluster of their own set it. */
export const LAB_NAME = "CLAUDE_GATEWAY_LAB";

/** The lab of a clone, running or not; with a name, a further lab of the clone. */
export function openLab(
  cloneDir: string = join(import.meta.dirname, "../../.."),
  name: string = process.env[LAB_NAME] ?? "",
): Lab {
  const clone = realpathSync(cloneDir);
  const cache = cacheRoot();
  for (const path of [cache, clone]) {
    const hidden = PRIVATE_DIRS.find((dir) => path === dir || path.startsWith(`${dir}/`));
    if (hidden !== undefined)
      throw new Error(
        `${path} lies in ${hidden}, which the lab has for itself: ` +
          (path === cache ? "set CLAUDE_GATEWAY_CACHE to another folder" : "clone elsewhere"),
      );
  }
  const id = createHash("sha256")
    .update([clone, cache, ...(name === "" ? [] : [name])].join("\0"))
    .digest("hex")
    .slice(0, 8);
  const dir = join(cache, "labs", id);
  return {
    cloneDir: clone,
    id,
    dir,
    kubeconfig: join(dir, "kubeconfig"),
    netpolSocket: join(dir, "netpol.sock"),
    logDir: join(dir, "logs"),
    cgroup: `claude-gateway-${id}`,
  };
}
