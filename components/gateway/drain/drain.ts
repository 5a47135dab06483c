import type { types } from "@pulumi/kubernetes";
import { readFileSync } from "node:fs";
import { nodeCommand } from "../../kubernetes/node-command.ts";
import { ports } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { recordAccess, REQUESTS_FILE } from "../../usage/record/place.ts";

const MOUNT = "/etc/drain";
const SCRIPT = "drain.mjs";
const ROTATION = "rotate.mjs";

/** Port on which the helper takes the kubelet's call. Only the node reaches it. */
export const DRAIN_PORT = 8083;

/** Files of the ConfigMap `drain`; with `record`, also the rotation of the record's file. */
export function drainFiles(record: boolean): Record<string, string> {
  const files = record ? [SCRIPT, ROTATION] : [SCRIPT];
  return Object.fromEntries(
    files.map((file) => [file, readFileSync(new URL(file, import.meta.url), "utf8")]),
  );
}

/** Envoy's preStop hook. Envoy's image has no shell, so the kubelet calls the helper, which answers once Envoy is idle. */
export const drainHook: types.input.core.v1.LifecycleHandler = {
  httpGet: { path: "/drain", port: DRAIN_PORT },
};

/** The helper as a sidecar: it starts before Envoy and ends after it. */
export function drainContainer(args: {
  readonly image: string;
  readonly drainSeconds: number;
  /** Whether Envoy writes a record of requests, whose file has to be rotated. */
  readonly record: boolean;
}): types.input.core.v1.Container {
  return {
    name: "drain",
    image: args.image,
    restartPolicy: "Always",
    command: nodeCommand(`${MOUNT}/${SCRIPT}`, args.record ? [`${MOUNT}/${ROTATION}`] : []),
    env: [
      { name: "ADMIN_PORT", value: String(ports.admin) },
      { name: "DRAIN_PORT", value: String(DRAIN_PORT) },
      { name: "DRAIN_SECONDS", value: String(args.drainSeconds) },
      ...(args.record ? [{ name: "RECORD_FILE", value: REQUESTS_FILE }, ...recordAccess.env] : []),
    ],
    securityContext: restrictedContainer,
    resources: { requests: { cpu: "5m", memory: "32Mi" }, limits: { memory: "128Mi" } },
    volumeMounts: [
      { name: "drain", mountPath: MOUNT, readOnly: true },
      ...(args.record ? recordAccess.volumeMounts : []),
    ],
  };
}
