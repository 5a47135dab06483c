import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "../parts/store.ts";

/** One lab: the embedded cluster of one clone of the repository. */
export interface Lab {
  /** The clone to which the lab belongs. */
  readonly cloneDir: string;
  /** First 8 hex digits of a hash of the paths of clone and cache, and of the name if there is one. */
  readonly id: string;
  /** All files of the lab. The folder is deleted when the lab is taken down. */
  readonly dir: string;
  /** The administrator's kubeconfig, usable inside the sandbox. */
  readonly kubeconfig: string;
  /** Unix socket for controlling the NetworkPolicy controller. */
  readonly netpolSocket: string;
  /** Folder with a log per program, `<name>.log`. */
  readonly logDir: string;
  /** The cgroup, in every hierarchy, for the cluster's pods. */
  readonly cgroup: string;
}

// Inside the sandbox these folders have the lab's own contents.
const PRIVATE_DIRS = ["/run", "/var/run", "/var/lib", "/var/log", "/proc", "/sys"];

/** The environment variable with the name of a further lab of the same clone. */
export const LAB_NAME = "CLAUDE_GATEWAY_LAB";

/** The lab of a clone, running or not. With a name it is a further lab of the same clone. */
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
        `${path} is inside ${hidden}, which the lab replaces with its own files: ` +
          (path === cache
            ? "set CLAUDE_GATEWAY_CACHE to another folder"
            : "clone the repository to another folder"),
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
