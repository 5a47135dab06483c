import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** Folder in which a pod writes its lines: its own folder of the volume. */
export const RECORD_DIR = "/var/lib/usage";

/** The file to which a pod appends a JSON line for each request. `folders.mjs` reads it. */
export const REQUESTS_FILE = `${RECORD_DIR}/requests.jsonl`;

const VOLUME = "usage";

/** The volume of a pod that writes. */
export function recordVolume(claimName: pulumi.Input<string>): types.input.core.v1.Volume {
  return { name: VOLUME, persistentVolumeClaim: { claimName } };
}

/** What a container of such a pod needs: the pod's own folder, and the variable that its name comes from. */
export const recordAccess = {
  env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
  volumeMounts: [{ name: VOLUME, mountPath: RECORD_DIR, subPathExpr: "$(POD_NAME)" }],
};
