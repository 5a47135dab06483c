import { annotation, kindOf, textAt, type KubeObject } from "./object.ts";

const DEFAULT_TIMEOUT_SECONDS = 600;

/** Kinds whose deletion, too, is not waited for under `pulumi.com/skipAwait`. */
const SKIPPABLE_DELETIONS = new Set([
  "v1/Namespace",
  "v1/Pod",
  "v1/ReplicationController",
  "apps/v1/DaemonSet",
  "apps/v1/Deployment",
  "apps/v1/StatefulSet",
  "batch/v1/Job",
]);

export function skipsAwait(object: KubeObject): boolean {
  return annotation(object, "pulumi.com/skipAwait") === "true";
}

export function skipsAwaitOfDeletion(object: KubeObject): boolean {
  const type = `${textAt(object, "apiVersion")}/${kindOf(object)}`;
  return skipsAwait(object) && SKIPPABLE_DELETIONS.has(type);
}

/** The resource option `customTimeouts` counts first, then the annotation, then ten minutes. */
export function timeoutSeconds(customSeconds: number, object: KubeObject): number {
  if (customSeconds !== 0) return customSeconds;
  const seconds = annotation(object, "pulumi.com/timeoutSeconds");
  return /^\d+$/.test(seconds) ? Number(seconds) : DEFAULT_TIMEOUT_SECONDS;
}

/** How deleting an object treats what it owns. */
export function deletionPropagation(object: KubeObject): "Orphan" | "Background" | "Foreground" {
  switch (annotation(object, "pulumi.com/deletionPropagationPolicy").toLowerCase()) {
    case "orphan":
      return "Orphan";
    case "background":
      return "Background";
    default:
      return "Foreground";
  }
}
