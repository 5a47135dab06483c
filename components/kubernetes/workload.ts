import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { contentHash } from "./content-hash.ts";
import { networkPolicy } from "./network-policy.ts";
import type { PolicySpec } from "./policy-spec.ts";
import { restrictedPod } from "./restricted.ts";
import { type SinglePod, singlePod } from "./single-pod.ts";

type Files = Readonly<Record<string, string>>;

/** Files of a pod, in a ConfigMap or a Secret of their own. */
export interface MountedFiles {
  /** Name of the volume, and the end of the logical name. */
  readonly volume: string;
  /** Name of the ConfigMap or Secret. */
  readonly objectName: string;
  /** Content by file name. In a Secret where `secret` is set. */
  readonly data: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Default false. */
  readonly secret?: boolean;
  /** Where the main container finds them. Default nowhere: another container mounts the volume itself. */
  readonly mountPath?: string;
  /**
   * What is read at the pod's start only, with the name that its hash has among the annotations: the pod rolls when
   * it changes. Default nothing: the files are watched.
   */
  readonly rollsOn?: { readonly name: string; readonly text: (files: Files) => string };
}

export interface WorkloadArgs {
  readonly namespace: pulumi.Input<string>;
  /** Name of the policy. */
  readonly objectName: string;
  /** Of the Deployment and its pod, whatever the pod is made of. */
  readonly labels: Record<string, string>;
  /** All that the pod may reach, and be reached by. */
  readonly policy: PolicySpec;
  readonly files: readonly MountedFiles[];
  /** The user that the pod runs as. */
  readonly user: number;
  /** Annotations of the pod beside the hashes of its files. Default none. */
  readonly annotations?: Record<string, pulumi.Input<string>>;
  /** What serves. The mounts of the files come first among its own. */
  readonly container: k8s.types.input.core.v1.Container;
  /** The rest of the pod; its volumes come after those of the files. */
  readonly pod?: Omit<k8s.types.input.core.v1.PodSpec, "containers" | "volumes"> & {
    readonly volumes?: k8s.types.input.core.v1.Volume[];
  };
  /** Of the Deployment. Default those of {@link singlePod}. */
  readonly customTimeouts?: pulumi.CustomTimeouts;
}

/**
 * A pod with one purpose: restricted, without a token for the Kubernetes API, closed by a policy of its own, with its
 * files in ConfigMaps and Secrets. Each file's content is watched by the pod, or rolls it.
 */
export function workload(
  name: string,
  args: WorkloadArgs,
  opts: pulumi.CustomResourceOptions,
): SinglePod {
  const { namespace, objectName, container, pod = {} } = args;
  const files = args.files.map((each) => ({
    ...each,
    ...mounted(`${name}-${each.volume}`, namespace, each, opts),
  }));
  const policy = networkPolicy(
    `${name}-policy`,
    { namespace, policyName: objectName, spec: args.policy },
    opts,
  );
  const mounts = files.flatMap(({ volume, mountPath }) =>
    mountPath === undefined ? [] : [{ name: volume, mountPath, readOnly: true }],
  );
  const { volumes = [], ...podSettings } = pod;
  return singlePod(
    `${name}-deployment`,
    {
      namespace,
      labels: args.labels,
      template: {
        metadata: {
          annotations: {
            ...Object.fromEntries(files.flatMap(({ hash }) => hash)),
            ...args.annotations,
          },
        },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: restrictedPod(args.user),
          ...podSettings,
          containers: [
            {
              ...container,
              volumeMounts: [
                ...mounts,
                ...((container.volumeMounts as k8s.types.input.core.v1.VolumeMount[] | undefined) ??
                  []),
              ],
            },
          ],
          volumes: [...files.map(({ source }) => source), ...volumes],
        },
      },
    },
    {
      ...opts,
      dependsOn: [policy],
      ...(args.customTimeouts && { customTimeouts: args.customTimeouts }),
    },
  );
}

/** The object with the files, the volume that it becomes, and the annotation that rolls the pod. */
function mounted(
  name: string,
  namespace: pulumi.Input<string>,
  { volume, objectName, data, secret = false, rollsOn }: MountedFiles,
  opts: pulumi.CustomResourceOptions,
) {
  const metadata = { namespace, name: objectName };
  const hash = rollsOn
    ? [
        [
          `claude-gateway/${rollsOn.name}-hash`,
          pulumi.output(data).apply((files) => contentHash(rollsOn.text(files))),
        ] as const,
      ]
    : [];
  if (secret) {
    const object = new k8s.core.v1.Secret(name, { metadata, stringData: data }, opts);
    return { hash, source: { name: volume, secret: { secretName: object.metadata.name } } };
  }
  const object = new k8s.core.v1.ConfigMap(name, { metadata, data }, opts);
  return { hash, source: { name: volume, configMap: { name: object.metadata.name } } };
}
