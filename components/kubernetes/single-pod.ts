import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { contentHash } from "./content-hash.ts";
import { labelKeys } from "./labels.ts";

/** A Deployment of one pod. */
export interface SinglePod {
  /** A resource that depends on it waits until the pod is Ready. */
  readonly deployment: k8s.apps.v1.Deployment;
  /** Selects this pod and no pod of an earlier Deployment. A Service that uses it must depend on `deployment`. */
  readonly selector: Record<string, pulumi.Input<string>>;
}

export interface SinglePodArgs {
  readonly namespace: pulumi.Input<string>;
  /** Labels of the Deployment and its pod. They do not depend on the template. */
  readonly labels: Record<string, string>;
  /** The pod's template. The labels are added to it. */
  readonly template: pulumi.Input<{
    readonly metadata?: k8s.types.input.meta.v1.ObjectMeta;
    readonly spec: k8s.types.input.core.v1.PodSpec;
  }>;
}

/** Longest wait until a new pod is Ready; then `pulumi up` fails and says what the pod lacks. */
const START_TIMEOUT = "5m";

/**
 * A Deployment of one pod that is never changed. A new template makes a second Deployment beside it, and `pulumi up`
 * deletes the old one at its end, after the new pod became Ready. With a change in place, Pulumi's provider may read the
 * Deployment's old status before the rollout begins (pkg/await/deployment.go). Then `pulumi up` succeeds although the new
 * pod never starts.
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
        // No name: Pulumi chooses a new one each time, so the new Deployment never has the name of a failed or draining one.
        namespace: args.namespace,
        labels: selector,
        // So that `pulumi up --refresh` undoes a `kubectl scale` instead of reporting a conflict.
        annotations: { "pulumi.com/patchForce": "true" },
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        // Used only by `kubectl rollout restart`.
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
