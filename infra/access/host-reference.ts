/** The outputs of a host stack that other programs need to find the machine. */
export interface HostReference {
  /** Name of the stack, for messages that tell the user which command to run. */
  readonly stack: string;
  readonly project: string;
  readonly zone: string;
  readonly instance: string;
  readonly kubeconfigSecret: string;
  /** Who is told when something about the machine needs a person; nobody if it is absent. */
  readonly alertsTo?: readonly string[];
  /** The log bucket that gets the machine's logs; none if it is absent. */
  readonly logBucket?: string;
}

/** Outputs of a host stack that {@link hostReference} reads. */
export const HOST_OUTPUTS = ["project", "zone", "instance", "kubeconfigSecret"] as const;

/** Reads {@link HostReference} from a stack's outputs. If one is missing, throws an error that says what to run. */
export function hostReference(
  stack: string,
  outputs: Readonly<Record<string, unknown>>,
): HostReference {
  const text = (key: (typeof HOST_OUTPUTS)[number]): string => {
    const value = outputs[key];
    if (typeof value === "string" && value !== "") return value;
    throw new Error(
      `Stack "${stack}" has no output "${key}": it is not a host stack, or \`pulumi up\` has not finished on it yet. Run: pulumi up -s ${stack}`,
    );
  };
  return {
    stack,
    project: text("project"),
    zone: text("zone"),
    instance: text("instance"),
    kubeconfigSecret: text("kubeconfigSecret"),
    ...(Array.isArray(outputs.alertsTo) && { alertsTo: outputs.alertsTo.map(String) }),
    ...(typeof outputs.logBucket === "string" && { logBucket: outputs.logBucket }),
  };
}
