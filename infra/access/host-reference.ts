/** A host stack's outputs, as far as other programs need them to find the machine. */
export interface HostReference {
  /** Name of the stack, for what a person is told to run. */
  readonly stack: string;
  readonly project: string;
  readonly zone: string;
  readonly instance: string;
  readonly kubeconfigSecret: string;
}

/** Outputs of a host stack that {@link hostReference} reads. */
export const HOST_OUTPUTS = ["project", "zone", "instance", "kubeconfigSecret"] as const;

/** Reads {@link HostReference} from a stack's outputs. Throws with what to run when they are not all there. */
export function hostReference(
  stack: string,
  outputs: Readonly<Record<string, unknown>>,
): HostReference {
  const text = (key: (typeof HOST_OUTPUTS)[number]): string => {
    const value = outputs[key];
    if (typeof value === "string" && value !== "") return value;
    throw new Error(
      `Stack "${stack}" has no output "${key}": it is no host stack, or was never brought up. Run: pulumi up -s ${stack}`,
    );
  };
  return {
    stack,
    project: text("project"),
    zone: text("zone"),
    instance: text("instance"),
    kubeconfigSecret: text("kubeconfigSecret"),
  };
}
