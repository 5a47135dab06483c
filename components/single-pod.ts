import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { restrictedPod } from "./restricted.ts";

export interface SinglePodArgs {
  readonly namespace: pulumi.Input<string>;
  readonly name: string;
  /** Of the Deployment and its pods, and what selects them. */
  readonly labels: Record<string, string>;
  /** Annotations of the pods: hashes of what is read at the start only. */
  readonly annotations: Record<string, pulumi.Input<string>>;
  /** The user that the pods run as. */
  readonly user: number;
  /** The rest of the pods. */
  readonly pod: k8s.types.input.core.v1.PodSpec;
}

/** A Deployment of one pod, restricted and without a token for the API, that is rolled without a gap. */
export function singlePodDeployment(args: SinglePodArgs): k8s.apps.v1.DeploymentArgs {
  const { namespace, name, labels, annotations } = args;
  return {
    metadata: { namespace, name, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels, annotations },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: restrictedPod(args.user),
          ...args.pod,
        },
      },
    },
  };
}
