import type { types } from "@pulumi/kubernetes";
import { readFileSync } from "node:fs";
import { ports } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";

const MOUNT = "/etc/drain";
const SCRIPT = "drain.mjs";

/** Port on which the helper takes the kubelet's call. Only the node reaches it. */
export const DRAIN_PORT = 8083;

/** Files of the ConfigMap `drain`. */
export function drainFiles(): Record<string, string> {
  return { [SCRIPT]: readFileSync(new URL(SCRIPT, import.meta.url), "utf8") };
}

/** Envoy's preStop hook. Envoy's image has no shell, so the kubelet calls the helper, which answers once Envoy is idle. */
export const drainHook: types.input.core.v1.LifecycleHandler = {
  httpGet: { path: "/drain", port: DRAIN_PORT },
};

/** The helper as a sidecar: it starts before Envoy and ends after it. */
export function drainContainer(args: {
  readonly image: string;
  readonly drainSeconds: number;
}): types.input.core.v1.Container {
  return {
    name: "drain",
    image: args.image,
    restartPolicy: "Always",
    // The shell handles SIGTERM from its start. Node as the first process ignores it until it has loaded the script, and
    // a pod that is deleted at that moment would wait for its whole grace period.
    command: ["sh", "-c", `trap 'exit 0' TERM; node ${MOUNT}/${SCRIPT} & wait $!`],
    env: [
      { name: "ADMIN_PORT", value: String(ports.admin) },
      { name: "DRAIN_PORT", value: String(DRAIN_PORT) },
      { name: "DRAIN_SECONDS", value: String(args.drainSeconds) },
    ],
    securityContext: restrictedContainer,
    resources: { requests: { cpu: "5m", memory: "32Mi" }, limits: { memory: "128Mi" } },
    volumeMounts: [{ name: "drain", mountPath: MOUNT, readOnly: true }],
  };
}
