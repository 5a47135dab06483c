import type { types } from "@pulumi/kubernetes";
import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";
import { restartedNodeCommand } from "../../kubernetes/node-command.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { LEAF_FILE, LEAF_SECRET, LEAVES_DIR } from "./place.ts";

/** Folders in the helper's container. */
const MOUNT = "/etc/leaves";
const AUTHORITY = "/etc/authority";

const SCRIPT = "leaves.mjs";
const CONFIG = "config.json";

/** Files of the Secret with the authority. */
export const authorityFiles = { certificate: "authority.pem", key: "authority.key" } as const;

/** Names of the pod's volumes. `authority` is the Secret with {@link authorityFiles}, `leaves-script` the ConfigMap. */
export const leavesVolumeNames = {
  scripts: "leaves-script",
  authority: "authority",
  leaves: "leaves",
} as const;

const DAY_SECONDS = 24 * 3600;

/** Configuration of the helper, as `leaves.mjs` reads it. */
export interface LeavesConfig {
  readonly hosts: readonly string[];
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly output: string;
  readonly secretName: string;
  readonly lifetimeSeconds: number;
  readonly renewAfterSeconds: number;
  readonly backdatedSeconds: number;
  readonly checkSeconds: number;
  /** The log warns so long before the authority's end. */
  readonly warnBeforeSeconds: number;
}

export function leavesConfig(hosts: readonly string[]): LeavesConfig {
  return {
    hosts,
    certificateFile: `${AUTHORITY}/${authorityFiles.certificate}`,
    keyFile: `${AUTHORITY}/${authorityFiles.key}`,
    output: LEAF_FILE,
    secretName: LEAF_SECRET,
    // A helper that does not work leaves six days to notice.
    lifetimeSeconds: 7 * DAY_SECONDS,
    renewAfterSeconds: DAY_SECONDS,
    backdatedSeconds: 3600,
    // Also how soon it notices that the clock was set.
    checkSeconds: 10,
    warnBeforeSeconds: 90 * DAY_SECONDS,
  };
}

let bundled: string | undefined;

/** The helper with its library in one file, the same on every machine. */
export function leavesScript(): string {
  bundled ??= buildSync({
    entryPoints: [fileURLToPath(new URL(SCRIPT, import.meta.url))],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20",
    format: "esm",
    write: false,
    logLevel: "silent",
  }).outputFiles[0]?.text;
  if (bundled === undefined) throw new Error(`esbuild wrote no ${SCRIPT}`);
  return bundled;
}

/** Files of the ConfigMap. */
export function leavesFiles(hosts: readonly string[]): Record<string, string> {
  return {
    [SCRIPT]: leavesScript(),
    [CONFIG]: `${JSON.stringify(leavesConfig(hosts), null, 2)}\n`,
  };
}

/** The helper as a sidecar. It starts before Envoy, which needs a certificate to start with. */
export function leavesContainer({
  image,
}: {
  readonly image: string;
}): types.input.core.v1.Container {
  return {
    name: "leaves",
    image,
    restartPolicy: "Always",
    command: restartedNodeCommand(`${MOUNT}/${SCRIPT} ${MOUNT}/${CONFIG}`, { heapMiB: 64 }),
    securityContext: restrictedContainer,
    resources: { requests: { cpu: "5m", memory: "48Mi" }, limits: { memory: "128Mi" } },
    startupProbe: {
      exec: { command: ["sh", "-c", `test -e ${LEAF_FILE}`] },
      periodSeconds: 1,
      failureThreshold: 60,
    },
    volumeMounts: [
      { name: leavesVolumeNames.scripts, mountPath: MOUNT, readOnly: true },
      { name: leavesVolumeNames.authority, mountPath: AUTHORITY, readOnly: true },
      { name: leavesVolumeNames.leaves, mountPath: LEAVES_DIR },
    ],
  };
}

/** Envoy's mount of the certificate. The folder is the one that it watches. */
export const leavesMount: types.input.core.v1.VolumeMount = {
  name: leavesVolumeNames.leaves,
  mountPath: LEAVES_DIR,
  readOnly: true,
};

/** The folder in memory: the certificate has some 100 bytes for each host. */
export const leavesVolume: types.input.core.v1.Volume = {
  name: leavesVolumeNames.leaves,
  emptyDir: { medium: "Memory", sizeLimit: "1Mi" },
};
