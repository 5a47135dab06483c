import { labelKeys } from "../kubernetes/labels.ts";
import { GATEWAY_PRIORITY } from "../kubernetes/priority.ts";
import { type GateContainer, gateVolume } from "./gate/gate.ts";

/** One rule for a pod: a CEL expression, and the message when the pod does not meet it. */
export interface AdmissionRule {
  readonly expression: string;
  readonly message: string;
}

/** CEL expressions that the rules use as `variables.<name>`. */
export const admissionVariables = [
  {
    name: "containers",
    expression:
      "object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])",
  },
  {
    name: "volumes",
    expression: "has(object.spec.volumes) ? object.spec.volumes : []",
  },
];

const PATCH = "merge the stack's output agents.<name>.podPatch into the pod template";

/** The rules for a pod in an agent's namespace. They ensure that it cannot start before the gate or get around it. */
export function admissionRules(args: {
  readonly gate: GateContainer;
  /** Address of the agents' DNS. */
  readonly dnsAddress: string;
}): AdmissionRule[] {
  return [...patched(args), ...sharesNothingOfTheHost, ...restricted, ranksBelow];
}

function patched({ gate, dnsAddress }: Parameters<typeof admissionRules>[0]): AdmissionRule[] {
  const first = "object.spec.initContainers[0]";
  const env = gate.env.map(
    ({ name, value }) =>
      `${first}.env.exists(e, e.name == ${cel(name)} && has(e.value) && e.value == ${cel(value)})`,
  );
  // Exactly these mounts, without subPath: any other mount could replace the gate's script.
  const mounts = gate.volumeMounts.map(
    ({ name, mountPath }) =>
      `${first}.volumeMounts.exists(m, m.name == ${cel(name)} && m.mountPath == ${cel(mountPath)} && !has(m.subPath) && !has(m.subPathExpr))`,
  );
  return [
    {
      expression: all(
        "has(object.metadata.labels)",
        `${cel(labelKeys.role)} in object.metadata.labels`,
        `object.metadata.labels[${cel(labelKeys.role)}] == 'agent'`,
      ),
      message: `the label ${labelKeys.role}=agent is missing: ${PATCH}`,
    },
    {
      expression: all(
        "has(object.spec.initContainers)",
        "size(object.spec.initContainers) > 0",
        `${first}.name == ${cel(gate.name)}`,
        `${first}.image == ${cel(gate.image)}`,
        `has(${first}.command)`,
        `${first}.command == ${cel(gate.command)}`,
        `!has(${first}.args)`,
        // With a restart policy it would be a sidecar, and the other containers would not wait until it ends.
        `!has(${first}.restartPolicy)`,
        `has(${first}.env)`,
        `size(${first}.env) == ${env.length}`,
        ...env,
        `!has(${first}.envFrom)`,
        `has(${first}.volumeMounts)`,
        `size(${first}.volumeMounts) == ${mounts.length}`,
        ...mounts,
        `variables.volumes.exists(v, v.name == ${cel(gateVolume.name)} && has(v.configMap) && v.configMap.name == ${cel(gateVolume.configMap.name)})`,
      ),
      message: `the start gate is not the first init container, or differs from the stack's: ${PATCH}`,
    },
    {
      expression: all(
        "has(object.spec.dnsPolicy)",
        "object.spec.dnsPolicy == 'None'",
        "has(object.spec.dnsConfig)",
        "has(object.spec.dnsConfig.nameservers)",
        `object.spec.dnsConfig.nameservers == ${cel([dnsAddress])}`,
      ),
      message: `the DNS settings are not dnsPolicy None with the one nameserver ${dnsAddress}: ${PATCH}`,
    },
    {
      expression: all(
        "has(object.spec.automountServiceAccountToken)",
        "!object.spec.automountServiceAccountToken",
        "!variables.volumes.exists(v, has(v.projected) && has(v.projected.sources) && v.projected.sources.exists(s, has(s.serviceAccountToken)))",
      ),
      message: `a service account's token would be mounted: ${PATCH} (automountServiceAccountToken: false)`,
    },
    {
      expression:
        "!has(object.spec.ephemeralContainers) || size(object.spec.ephemeralContainers) == 0",
      message: "ephemeral containers are not allowed in an agent's pod",
    },
  ];
}

const sharesNothingOfTheHost: readonly AdmissionRule[] = [
  ...["hostNetwork", "hostPID", "hostIPC"].map((field) => ({
    expression: `!has(object.spec.${field}) || !object.spec.${field}`,
    message: `${field} is not allowed in an agent's pod`,
  })),
  {
    expression: "!variables.volumes.exists(v, has(v.hostPath))",
    message: "hostPath volumes are not allowed in an agent's pod",
  },
  {
    expression:
      "variables.containers.all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))",
    message: "hostPort is not allowed in an agent's pod",
  },
];

const restricted: readonly AdmissionRule[] = [
  {
    expression:
      "variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged)",
    message: "privileged containers are not allowed in an agent's pod",
  },
  {
    expression: all(
      "variables.containers.all(c, has(c.securityContext))",
      "variables.containers.all(c, has(c.securityContext.allowPrivilegeEscalation) && !c.securityContext.allowPrivilegeEscalation)",
    ),
    message: `allowPrivilegeEscalation is not false in every container: ${PATCH}`,
  },
  {
    expression:
      "variables.containers.all(c, has(c.securityContext) && has(c.securityContext.capabilities) && has(c.securityContext.capabilities.drop) && 'ALL' in c.securityContext.capabilities.drop && !has(c.securityContext.capabilities.add))",
    message: `capabilities are not {drop: [ALL]} in every container: ${PATCH}`,
  },
  {
    expression: all(
      "has(object.spec.securityContext)",
      "has(object.spec.securityContext.runAsNonRoot)",
      "object.spec.securityContext.runAsNonRoot",
      "variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.runAsNonRoot) || c.securityContext.runAsNonRoot)",
    ),
    message: `runAsNonRoot is not true for the pod: ${PATCH}`,
  },
  {
    expression: all(
      "has(object.spec.securityContext)",
      "has(object.spec.securityContext.seccompProfile)",
      "object.spec.securityContext.seccompProfile.type == 'RuntimeDefault'",
      "variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.seccompProfile))",
    ),
    message: `the seccomp profile is not RuntimeDefault for the pod: ${PATCH}`,
  },
];

const ranksBelow: AdmissionRule = {
  expression: `!has(object.spec.priority) || object.spec.priority < ${GATEWAY_PRIORITY}`,
  message:
    "the pod's priority is not below the gateway's: remove priorityClassName, or take a class with a smaller value",
};

function all(...conditions: string[]): string {
  return conditions.join(" && ");
}

/** A CEL literal. CEL writes strings and lists as JSON does. */
function cel(value: string | readonly string[]): string {
  return JSON.stringify(value);
}
