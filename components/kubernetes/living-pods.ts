/** What a list of pods says about whether each still runs. */
export interface ListedPod {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly status: { readonly phase: string };
}

/**
 * Of the listed pods those that run, or will. The kubelet leaves a pod that it evicted, or ended for a restart of the machine, in
 * phase Failed until the cluster removes it. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
 */
export function living<P extends ListedPod>(pods: readonly P[]): P[] {
  return pods.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined && !/^(Failed|Succeeded)$/.test(status.phase),
  );
}

/** Lets kubectl list the newest pod last. */
export const OLDEST_FIRST = "--sort-by=.metadata.creationTimestamp";
