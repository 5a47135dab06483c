import { z } from "zod";
import { labelKeys } from "../../components/kubernetes/labels.ts";
import { annotatedTtlSeconds, isPast, type Lifetime, lifetime, Metadata } from "./lifetime.ts";
import { objectKey } from "./state.ts";

/** kubectl arguments that list the cluster-scoped objects of all spikes. */
export const listSpikeObjects: readonly string[] = [
  "get",
  [
    "namespaces",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "priorityclasses.scheduling.k8s.io",
  ].join(),
  `--selector=${labelKeys.kind}=spike`,
  "--output=json",
];

const ClusterObject = z.looseObject({
  kind: z.string(),
  metadata: Metadata,
  spec: z.looseObject({ finalizers: z.array(z.string()).optional() }).optional(),
  status: z
    .looseObject({
      conditions: z
        .array(z.looseObject({ type: z.string(), status: z.string(), message: z.string() }))
        .optional(),
    })
    .optional(),
});

/** A namespace, or another cluster-scoped object. */
export type ClusterObject = z.infer<typeof ClusterObject>;

/** Parses one object from kubectl's JSON. */
export function parseObject(text: string): ClusterObject {
  return ClusterObject.parse(JSON.parse(text));
}

/** Parses a list from kubectl's JSON. */
export function parseObjects(text: string): ClusterObject[] {
  return z.looseObject({ items: z.array(ClusterObject) }).parse(JSON.parse(text)).items;
}

/** What to do with an orphan. */
export type OrphanDecision =
  | ({ readonly object: ClusterObject; readonly decision: "delete" | "keep" } & {
      readonly lifetime: Lifetime;
    })
  | { readonly object: ClusterObject; readonly decision: "unknown"; readonly reason: string };

/** The namespaces of spikes that no stack owns, each with the decision about it. */
export function orphanNamespaces(
  objects: readonly ClusterObject[],
  owned: ReadonlySet<string>,
  now: Date,
): OrphanDecision[] {
  return objects
    .filter(
      ({ kind, metadata }) => kind === "Namespace" && !owned.has(objectKey(kind, metadata.name)),
    )
    .map((object): OrphanDecision => {
      try {
        const { creationTimestamp, annotations } = object.metadata;
        const lives = lifetime([creationTimestamp], annotatedTtlSeconds(annotations));
        return { object, lifetime: lives, decision: isPast(lives, now) ? "delete" : "keep" };
      } catch (error) {
        return { object, decision: "unknown", reason: (error as Error).message };
      }
    });
}

/** Cluster-scoped objects of spikes that no stack owns and whose spike has no namespace any more. */
export function leftovers(
  objects: readonly ClusterObject[],
  owned: ReadonlySet<string>,
): ClusterObject[] {
  const stackOf = ({ metadata }: ClusterObject) => metadata.labels?.[labelKeys.stack];
  const alive = new Set(objects.filter(({ kind }) => kind === "Namespace").map(stackOf));
  return objects.filter(
    (object) =>
      object.kind !== "Namespace" &&
      !owned.has(objectKey(object.kind, object.metadata.name)) &&
      !alive.has(stackOf(object)),
  );
}

/** Why a namespace that is being deleted still exists, in Kubernetes' own words. */
export function blockers({ metadata, spec, status }: ClusterObject): string[] {
  const conditions = (status?.conditions ?? [])
    .filter((condition) => condition.status === "True")
    .map(({ type, message }) => `${type}: ${message}`);
  const finalizers = [...(metadata.finalizers ?? []), ...(spec?.finalizers ?? [])]
    // Kubernetes' own finalizer, which stays until the contents are gone.
    .filter((finalizer) => finalizer !== "kubernetes")
    .map((finalizer) => `finalizer ${finalizer} of the namespace itself`);
  return [...conditions, ...finalizers];
}
