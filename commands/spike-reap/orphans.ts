import { z } from "zod";
import { labelKeys } from "../../components/kubernetes/labels.ts";
import { annotatedTtlSeconds, isPast, type Lifetime, lifetime, Metadata } from "./lifetime.ts";
import { objectKey } from "./state.ts";

/** Arguments of kubectl that list what a spike makes outside namespaces, whatever stack it is of. */
export const listSpikeObjects: readonly string[] = [
  "get",
  [
    "namespaces",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
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

/** A namespace, or another object that lies in none. */
export type ClusterObject = z.infer<typeof ClusterObject>;

/** Reads an object that kubectl wrote. */
export function parseObject(text: string): ClusterObject {
  return ClusterObject.parse(JSON.parse(text));
}

/** Reads a list that kubectl wrote. */
export function parseObjects(text: string): ClusterObject[] {
  return z.looseObject({ items: z.array(ClusterObject) }).parse(JSON.parse(text)).items;
}

/** What is to become of an orphan. */
export type OrphanDecision =
  | ({ readonly object: ClusterObject; readonly decision: "delete" | "keep" } & {
      readonly lifetime: Lifetime;
    })
  | { readonly object: ClusterObject; readonly decision: "unknown"; readonly reason: string };

/** The namespaces that no stack owns, and whether their time is over. */
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

/** What spikes left outside namespaces: no stack owns it, and of its spike no namespace is left. */
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

/** What a namespace that is being deleted waits for, in the words of Kubernetes. */
export function blockers({ metadata, spec, status }: ClusterObject): string[] {
  const conditions = (status?.conditions ?? [])
    .filter((condition) => condition.status === "True")
    .map(({ type, message }) => `${type}: ${message}`);
  const finalizers = [...(metadata.finalizers ?? []), ...(spec?.finalizers ?? [])]
    // Kubernetes' own, which stays until the contents are gone.
    .filter((finalizer) => finalizer !== "kubernetes")
    .map((finalizer) => `finalizer ${finalizer} of the namespace itself`);
  return [...conditions, ...finalizers];
}
