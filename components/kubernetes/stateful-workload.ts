import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { contentHash } from "./content-hash.ts";
import { labelKeys } from "./labels.ts";
import { podOf, type WorkloadArgs } from "./workload.ts";

/** Longest wait until a new pod is Ready; then `pulumi up` fails and says what the pod lacks. */
const START_TIMEOUT = "5m";

/**
 * A workload whose pod writes to a volume, so that there must never be two of them: a StatefulSet. Kubernetes makes a new
 * pod only after the old one has ended, also when somebody deletes the pod. A new template replaces the StatefulSet, and
 * `pulumi up` deletes the old one first: with a change in place, Pulumi's provider may read the old status before the
 * rollout begins (pkg/await/statefulset.go). The volume stays.
 */
export function statefulWorkload(
  name: string,
  args: WorkloadArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.apps.v1.StatefulSet {
  const { namespace, objectName, labels } = args;
  const { template, policy } = podOf(name, args, opts);
  const revision = pulumi.unsecret(
    pulumi.output(template).apply((pod) => contentHash(JSON.stringify(pod))),
  );
  // A selector cannot be changed: a new revision is a replacement.
  const selector = { ...labels, [labelKeys.revision]: revision };
  return new k8s.apps.v1.StatefulSet(
    `${name}-statefulset`,
    {
      metadata: {
        namespace,
        name: objectName,
        labels: selector,
        // So that `pulumi up --refresh` undoes a `kubectl scale` instead of reporting a conflict.
        annotations: { "pulumi.com/patchForce": "true" },
      },
      spec: {
        replicas: 1,
        serviceName: objectName,
        // With the default, a pod that is never Ready would have to be deleted by hand before an update reaches it.
        podManagementPolicy: "Parallel",
        selector: { matchLabels: selector },
        template: {
          metadata: { ...template.metadata, labels: selector },
          spec: template.spec,
        },
      },
    },
    {
      ...opts,
      dependsOn: [policy],
      deleteBeforeReplace: true,
      customTimeouts: { create: START_TIMEOUT, update: START_TIMEOUT, ...args.customTimeouts },
    },
  );
}
