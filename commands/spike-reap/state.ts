import { z } from "zod";
import { labelKeys } from "../../components/kubernetes/labels.ts";
import { annotatedTtlSeconds, type Lifetime, lifetime, Metadata } from "./lifetime.ts";

const Resource = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  created: z.string().optional(),
  inputs: z.looseObject({ metadata: Metadata.partial().optional().catch(undefined) }).optional(),
  outputs: z.looseObject({ ttlSeconds: z.int().positive().optional().catch(undefined) }).optional(),
});

const Export = z.looseObject({
  deployment: z.looseObject({ resources: z.array(Resource).nullish() }).nullish(),
});

/** The contents of a stack, as `pulumi stack export` shows them. */
export type StackState = readonly z.infer<typeof Resource>[];

/** Parses the output of `pulumi stack export`. */
export function parseState(text: string): StackState {
  return Export.parse(JSON.parse(text)).deployment?.resources ?? [];
}

const NAMESPACE = "kubernetes:core/v1:Namespace";
const STACK = "pulumi:pulumi:Stack";

/**
 * How long a spike may live, counted from the creation of its first resource; `undefined` if the stack is not a spike.
 * If an `up` failed while it changed the time to live, the state has two values, and the longer one counts.
 * Throws if the stack is a spike but its state has no time to live.
 */
export function spikeLifetime(state: StackState): Lifetime | undefined {
  const output = state.find(({ type }) => type === STACK)?.outputs?.ttlSeconds;
  // The outputs are missing until the first `up` succeeds.
  const annotated = state
    .filter(({ type }) => type === NAMESPACE)
    .map(({ inputs }) => inputs?.metadata)
    .filter((metadata) => metadata?.labels?.[labelKeys.kind] === "spike")
    .map((metadata) => annotatedTtlSeconds(metadata?.annotations));
  const ttls = [...(output === undefined ? [] : [output]), ...annotated];
  if (ttls.length === 0) return undefined;
  return lifetime(
    state.flatMap(({ created }) => created ?? []),
    Math.max(...ttls),
  );
}

/** Cluster-scoped objects that a stack owns, each as `Kind/name`. */
export function ownedObjects(state: StackState): string[] {
  return state
    .filter(({ type, id }) => type.startsWith("kubernetes:") && id?.includes("/") === false)
    .map(({ type, id }) => objectKey(type.split(":").at(-1) ?? "", id ?? ""));
}

/** The name of an object in {@link ownedObjects}. */
export function objectKey(kind: string, name: string): string {
  return `${kind}/${name}`;
}
