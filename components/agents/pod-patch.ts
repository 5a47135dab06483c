import { type GateContainer, gateVolume } from "../egress/gate/gate.ts";
import { labelKeys } from "../kubernetes/labels.ts";
import { restrictedAnyUser, restrictedPrivileges } from "../kubernetes/restricted.ts";
import type { EnvironmentVariable } from "./environment.ts";

/**
 * What makes the pods of a workload agents of the gateway. The one entry of `containers` applies to every container of
 * the workload. Lists are added to the workload's own; the init container must be the first. Entries of the workload's
 * `env` with the same names must be dropped, because of two entries with one name Kubernetes uses the last.
 */
export interface PodPatch {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly automountServiceAccountToken: false;
    readonly dnsPolicy: "None";
    readonly dnsConfig: { readonly nameservers: string[] };
    readonly securityContext: typeof restrictedAnyUser;
    readonly initContainers: [GateContainer];
    readonly containers: [
      {
        readonly env: EnvironmentVariable[];
        readonly securityContext: typeof restrictedPrivileges;
      },
    ];
    readonly volumes: [typeof gateVolume];
  };
}

/** The patch for an agent's namespace. */
export function podPatch(args: {
  readonly env: EnvironmentVariable[];
  readonly dnsAddress: string;
  readonly gate: GateContainer;
}): PodPatch {
  return {
    metadata: { labels: { [labelKeys.role]: "agent" } },
    spec: {
      automountServiceAccountToken: false,
      dnsPolicy: "None",
      dnsConfig: { nameservers: [args.dnsAddress] },
      securityContext: restrictedAnyUser,
      initContainers: [args.gate],
      containers: [{ env: args.env, securityContext: restrictedPrivileges }],
      volumes: [gateVolume],
    },
  };
}

/** The parts of a pod template that a patch changes. */
export interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly securityContext?: object;
    readonly initContainers?: readonly Container[];
    readonly containers: readonly Container[];
    readonly volumes?: readonly { readonly name: string }[];
  };
}

interface Container {
  readonly name: string;
  readonly env?: readonly EnvironmentVariable[];
  readonly securityContext?: object;
}

/** Merges a patch into a workload's pod template. Where both set a field, the patch wins. */
export function applyPodPatch<Template extends PodTemplate>(patch: PodPatch, template: Template) {
  const { spec } = template;
  const [{ env, securityContext }] = patch.spec.containers;
  const names = env.map(({ name }) => name);
  const patched = <C extends Container>(container: C) => ({
    ...container,
    // The patch's variables come first, so that the workload's own can refer to them.
    env: [...env, ...(container.env ?? []).filter(({ name }) => !names.includes(name))],
    securityContext: { ...container.securityContext, ...securityContext },
  });
  return {
    ...template,
    metadata: {
      ...template.metadata,
      labels: { ...template.metadata?.labels, ...patch.metadata.labels },
    },
    spec: {
      ...spec,
      ...patch.spec,
      securityContext: { ...spec.securityContext, ...patch.spec.securityContext },
      initContainers: [...patch.spec.initContainers, ...(spec.initContainers ?? []).map(patched)],
      containers: spec.containers.map(patched),
      volumes: [...patch.spec.volumes, ...(spec.volumes ?? [])],
    },
  };
}
