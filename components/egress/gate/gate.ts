import { readFileSync } from "node:fs";
import { probePorts } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { TRUST_DIR, trustWriterMount } from "./trust.ts";

/** Name of the gate's container, of its volume and of the ConfigMap in an agent's namespace. */
export const GATE_NAME = "egress-gate";

const MOUNT = "/etc/egress-gate";
const SCRIPT = "gate.mjs";
const TRUST_SCRIPT = "trust.mjs";

/** `nobody`: the image's own user is root. */
const USER = 65_534;

/** How long the gate waits until the policies are enforced. Then it fails, and the kubelet starts it again. */
const PATIENCE_SECONDS = 30;

/** Files of the ConfigMap. `authority` is the certificate of the stack's own one, where there is one. */
export function gateFiles(authority?: string): Record<string, string> {
  return {
    [SCRIPT]: source(SCRIPT),
    ...(authority !== undefined && {
      [TRUST_SCRIPT]: source(TRUST_SCRIPT),
      "authority.pem": authority,
    }),
  };
}

function source(file: string): string {
  return readFileSync(new URL(file, import.meta.url), "utf8");
}

/** The volume of the gate's container. */
export const gateVolume = { name: GATE_NAME, configMap: { name: GATE_NAME } } as const;

/** The first init container of every agent's pod. No other container starts before the pod's policies are enforced. */
export function gateContainer(args: {
  /** Image with Node. */
  readonly image: string;
  /** Address of the probe's Service. */
  readonly probeAddress: string;
  /** Whether the pod has to trust the stack's own authority. Default false. */
  readonly trust?: boolean;
}) {
  const { trust = false } = args;
  return {
    name: GATE_NAME,
    image: args.image,
    command: [
      "node",
      ...(trust ? ["--import", `${MOUNT}/${TRUST_SCRIPT}`] : []),
      `${MOUNT}/${SCRIPT}`,
    ],
    env: [
      { name: "PROBE_ADDRESS", value: args.probeAddress },
      { name: "OPEN_PORT", value: String(probePorts.open) },
      { name: "SHUT_PORT", value: String(probePorts.shut) },
      { name: "PATIENCE_SECONDS", value: String(PATIENCE_SECONDS) },
      ...(trust ? [{ name: "TRUST_DIR", value: TRUST_DIR }] : []),
    ],
    securityContext: { ...restrictedContainer, runAsUser: USER, runAsGroup: USER },
    resources: {
      requests: { cpu: "10m", memory: "32Mi", "ephemeral-storage": "16Mi" },
      // A pod may write as much as its largest init container, so this must not be the namespace's default.
      limits: { memory: "128Mi", "ephemeral-storage": "64Mi" },
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      { name: GATE_NAME, mountPath: MOUNT, readOnly: true },
      ...(trust ? [trustWriterMount] : []),
    ],
  };
}

/** The container of {@link gateContainer}. */
export type GateContainer = ReturnType<typeof gateContainer>;
