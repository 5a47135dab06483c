import type * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import { labelKeys } from "../../kubernetes/labels.ts";
import { probePorts } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { ServedWorkload, type ServedWorkloadArgs } from "../../kubernetes/served-workload.ts";
import { probePolicy } from "./policy.ts";

export interface ProbeArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Image with Node. */
  readonly image: string;
  /** Labels that every namespace of the stack's agents has. */
  readonly agentNamespaces: Record<string, string>;
}

const NAME = "egress-probe";
const MOUNT = "/etc/egress-probe";
const SCRIPT = "probe.mjs";
const USER = 65_534;

/** The pod that start gates connect to. */
export class Probe extends ServedWorkload {
  constructor(name: string, args: ProbeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:egress:Probe", name, probeWorkload(args), opts);
  }
}

function probeWorkload({ namespace, image, agentNamespaces }: ProbeArgs): ServedWorkloadArgs {
  return {
    namespace,
    objectName: NAME,
    labels: { [labelKeys.role]: "probe" },
    policy: probePolicy(agentNamespaces),
    user: USER,
    files: [
      {
        volume: "script",
        objectName: NAME,
        mountPath: MOUNT,
        data: { [SCRIPT]: readFileSync(new URL(SCRIPT, import.meta.url), "utf8") },
        rollsOn: { name: "script", text: (files) => JSON.stringify(files) },
      },
    ],
    container: {
      name: "probe",
      image,
      command: ["node", `${MOUNT}/${SCRIPT}`],
      env: [
        { name: "OPEN_PORT", value: String(probePorts.open) },
        { name: "SHUT_PORT", value: String(probePorts.shut) },
      ],
      ports: [
        { name: "open", containerPort: probePorts.open },
        { name: "shut", containerPort: probePorts.shut },
      ],
      securityContext: restrictedContainer,
      resources: { requests: { cpu: "5m", memory: "32Mi" }, limits: { memory: "128Mi" } },
      readinessProbe: { tcpSocket: { port: "open" }, periodSeconds: 2 },
      // A port that nobody serves must not count as shut.
      livenessProbe: { tcpSocket: { port: "shut" }, periodSeconds: 10 },
    },
    pod: { terminationGracePeriodSeconds: 5 },
    ports: [
      { name: "open", port: probePorts.open, targetPort: "open" },
      { name: "shut", port: probePorts.shut, targetPort: "shut" },
    ],
  };
}
