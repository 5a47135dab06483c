import { readFileSync } from "node:fs";
import { probePorts } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";

/** Name of the gate's container, of its volume and of the ConfigMap in an agent's namespace. */
export const GATE_NAME = "egress-gate";

const MOUNT = "/etc/egress-gate";
const SCRIPT = "gate.mjs";

/** `nobody`: the image's own user is root. */
const USER = 65_534;

/** How long the gate waits until the policies are enforced. Then it fails, and the kubelet starts it again. */
const PATIENCE_SECONDS = 30;

/** Files of the ConfigMap. */
export function gateFiles(): Record<string, string> {
  return { [SCRIPT]: readFileSync(new URL(SCRIPT, import.meta.url), "utf8") };
}

/** The volume of the gate's container. */
export const gateVolume = { name: GATE_NAME, configMap: { name: GATE_NAME } } as const;

/** The first init container of every agent's pod. No other container starts before the pod's policies are enforced. */
export function gateContainer(args: {
  /** Image with Node. */
  readonly image: string;
  /** Address of the probe's Service. */
  readonly probeAddress: string;
}) {
  return {
    name: GATE_NAME,
    image: args.image,
    command: ["node", `${MOUNT}/${SCRIPT}`],
    env: [
      { name: "PROBE_ADDRESS", value: args.probeAddress },
      { name: "OPEN_PORT", value: String(probePorts.open) },
      { name: "SHUT_PORT", value: String(probePorts.shut) },
      { name: "PATIENCE_SECONDS", value: String(PATIENCE_SECONDS) },
    ],
    securityContext: { ...restrictedContainer, runAsUser: USER, runAsGroup: USER },
    resources: {
      requests: { cpu: "10m", memory: "32Mi", "ephemeral-storage": "16Mi" },
      // A pod may write as much as its largest init container, so this must not be the namespace's default.
      limits: { memory: "128Mi", "ephemeral-storage": "64Mi" },
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ name: GATE_NAME, mountPath: MOUNT, readOnly: true }],
  };
}

/** The container of {@link gateContainer}. */
export type GateContainer = ReturnType<typeof gateContainer>;
