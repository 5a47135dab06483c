import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { contentHash } from "./content-hash.ts";
import { networkPolicy } from "./network-policy.ts";
import type { PolicySpec } from "./policy-spec.ts";
import { restrictedPod } from "./restricted.ts";
import { type SinglePod, singlePod } from "./single-pod.ts";

type Files = Readonly<Record<string, string>>;

/** Files of a pod, in their own ConfigMap or Secret. */
export interface MountedFiles {
  /** Name of the volume, and suffix of the object's Pulumi name. */
  readonly volume: string;
  /** Name of the ConfigMap or Secret. */
  readonly objectName: string;
  /** Content by file name. */
  readonly data: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Whether the object is a Secret instead of a ConfigMap. Default false. */
  readonly secret?: boolean;
  /** Folder of the files in the main container. Default: only another container mounts the volume. */
  readonly mountPath?: string;
  /**
   * The text that the pod reads only at its start, and a name for the annotation with its hash: when the text changes,
   * the pod is replaced. Default: no text, because the pod watches its files.
   */
  readonly rollsOn?: { readonly name: string; readonly text: (files: Files) => string };
}

export interface WorkloadArgs {
  /** Name of a namespace from gateway-namespace.ts. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the policy. */
  readonly objectName: string;
  /** Labels of the Deployment and its pod. They do not depend on the template. */
  readonly labels: Record<string, string>;
  /** The only traffic that the pod may send or receive. */
  readonly policy: PolicySpec;
  readonly files: readonly MountedFiles[];
  /** The user that the pod runs as. */
  readonly user: number;
  /** Annotations of the pod in addition to the hashes of its files. Default none. */
  readonly annotations?: Record<string, pulumi.Input<string>>;
  /** The main container. The mounts of the files are put before its own. */
  readonly container: k8s.types.input.core.v1.Container;
  /** The rest of the pod's spec. Its volumes come after those of the files. */
  readonly pod?: Omit<k8s.types.input.core.v1.PodSpec, "containers" | "volumes"> & {
    readonly volumes?: k8s.types.input.core.v1.Volume[];
  };
  /** Of the Deployment. Default those of {@link singlePod}. */
  readonly customTimeouts?: pulumi.CustomTimeouts;
}

/**
 * A pod with one purpose. It is restricted, has no token for the Kubernetes API, has its own network policy, and has its
 * files in ConfigMaps and Secrets. When a file changes, the pod either sees it or is replaced.
 */
export function workload(
  name: string,
  args: WorkloadArgs,
  opts: pulumi.CustomResourceOptions,
): SinglePod {
  const { namespace, labels, customTimeouts } = args;
  const { template, policy } = podOf(name, args, opts);
  return singlePod(
    `${name}-deployment`,
    { namespace, labels, template },
    { ...opts, dependsOn: [policy], ...(customTimeouts && { customTimeouts }) },
  );
}

/** A workload's policy and files, and the template of its pod, which must depend on the policy. */
export function podOf(name: string, args: WorkloadArgs, opts: pulumi.CustomResourceOptions) {
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
  const template = {
    metadata: {
      annotations: {
        ...Object.fromEntries(files.flatMap(({ hash }) => hash)),
        ...args.annotations,
      },
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // The gateway's priority class has the name of its namespace.
      priorityClassName: namespace,
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
  };
  return { template, policy };
}

/** Makes the object with the files. Returns its volume, and the annotation that causes a new pod. */
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
