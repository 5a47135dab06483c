/** The parts of a spike's `pulumi stack export` that determine its lifetime. */
export interface ExportedSpike {
  readonly stack: string;
  readonly created: string;
  /** The output `ttlSeconds`; `undefined` before the first successful `up`. */
  readonly ttlOutput?: unknown;
  /** The annotation of its namespaces; `undefined` if there are none any more. */
  readonly ttlAnnotation?: string | undefined;
  readonly kind?: string;
}

/** Writes such an export. */
export function exported(spike: ExportedSpike): string {
  const { stack, created, ttlOutput, ttlAnnotation, kind = "spike" } = spike;
  // Pulumi does not write resources in the order of creation, and its times have nanoseconds.
  const namespace = (name: string) => ({
    type: "kubernetes:core/v1:Namespace",
    id: name,
    created: later(created, 4),
    inputs: {
      metadata: {
        name,
        labels: { "claude-gateway/kind": kind, "claude-gateway/stack": stack },
        annotations:
          ttlAnnotation === undefined ? {} : { "claude-gateway/ttl-seconds": ttlAnnotation },
      },
    },
  });
  const policy = `claude-gateway-agents-${stack}-gateway`;
  const resources = [
    ...(ttlAnnotation === undefined ? [] : [namespace(`${stack}-gateway`)]),
    {
      type: "pulumi:pulumi:Stack",
      created,
      outputs: ttlOutput === undefined ? {} : { ttlSeconds: ttlOutput },
    },
    { type: "random:index/randomPassword:RandomPassword", id: "none", created: later(created, 3) },
    {
      type: "kubernetes:core/v1:Secret",
      id: `${stack}-agent/gateway-token`,
      created: later(created, 5),
      inputs: { metadata: { name: "gateway-token", namespace: `${stack}-agent` } },
    },
    {
      type: "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
      id: policy,
      created: later(created, 6),
    },
    ...(ttlAnnotation === undefined ? [] : [namespace(`${stack}-agent`)]),
  ];
  return JSON.stringify({ version: 3, deployment: { manifest: {}, resources } });
}

function later(created: string, seconds: number): string {
  return new Date(Date.parse(created) + seconds * 1000).toISOString().replace("Z", "123456Z");
}
