import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { contentHash } from "./content-hash.ts";
import { labelKeys } from "./labels.ts";

/** A Deployment of one pod. */
export interface SinglePod {
  /** To depend on it is to wait until the pod is Ready. */
  readonly deployment: k8s.apps.v1.Deployment;
  /** Selects this pod and none of an earlier Deployment: for a Service that depends on `deployment`. */
  readonly selector: Record<string, pulumi.Input<string>>;
}

export interface SinglePodArgs {
  readonly namespace: pulumi.Input<string>;
  /** Of the Deployment and its pod, whatever the pod is made of. */
  readonly labels: Record<string, string>;
  /** The pod's template; it gets the labels. */
  readonly template: pulumi.Input<{
    readonly metadata?: k8s.types.input.meta.v1.ObjectMeta;
    readonly spec: k8s.types.input.core.v1.PodSpec;
  }>;
}

/** Longest wait until a new pod is Ready; then `pulumi up` fails and says what the pod lacks. */
const START_TIMEOUT = "5m";

/**
 * A Deployment of one pod that is never changed: a new template makes another Deployment beside it, and the old one
 * goes at the end of the `pulumi up` in which the new one's pod has become Ready. Changed in place, it could be taken
 * for rolled out before its rollout began: Pulumi's provider then reads the status of the Deployment as it was
 * (pkg/await/deployment.go), so that `pulumi up` ends well with a pod that never starts.
 */
export function singlePod(
  name: string,
  args: SinglePodArgs,
  opts: pulumi.CustomResourceOptions,
): SinglePod {
  const template = pulumi.output(args.template);
  // What an annotation holds of a secret is a hash already.
  const revision = pulumi.unsecret(template.apply((pod) => contentHash(JSON.stringify(pod))));
  // A selector cannot be changed: a new revision is a replacement.
  const selector = { ...args.labels, [labelKeys.revision]: revision };
  const deployment = new k8s.apps.v1.Deployment(
    name,
    {
      metadata: {
        // Without a name: Pulumi draws one each time, so that what failed or drains never has the name of what comes.
        namespace: args.namespace,
        labels: selector,
        // What somebody did with `kubectl scale` is undone by `pulumi up --refresh`, and no conflict.
        annotations: { "pulumi.com/patchForce": "true" },
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        // For `kubectl rollout restart`.
        strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: template.apply(({ metadata, spec }) => ({
          metadata: { ...metadata, labels: { ...metadata?.labels, ...selector } },
          spec,
        })),
      },
    },
    {
      ...opts,
      // After an `up` that failed, the next one continues as an update.
      customTimeouts: { create: START_TIMEOUT, update: START_TIMEOUT, ...opts.customTimeouts },
    },
  );
  return { deployment, selector };
}
