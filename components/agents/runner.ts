import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { contentHash } from "../kubernetes/content-hash.ts";
import { restrictedContainer, restrictedPod } from "../kubernetes/restricted.ts";
import { singlePod } from "../kubernetes/single-pod.ts";
import { applyPodPatch, type PodPatch } from "./pod-patch.ts";

export interface RunnerArgs {
  /** The agent's namespace. */
  readonly namespace: pulumi.Input<string>;
  /** Image built from runner/Containerfile. */
  readonly image: string;
  /** What makes its pod an agent's, as in any other workload. */
  readonly podPatch: pulumi.Input<PodPatch>;
  /** Value of the Secret in its environment. The pod is replaced when it changes. */
  readonly secretValue?: pulumi.Input<string> | undefined;
}

/** The user `agent` of runner/Containerfile. */
const USER = 1000;

/** A pod in which a person or a script runs Claude Code: `kubectl exec service/runner -- claude -p …`. */
export class Runner extends pulumi.ComponentResource {
  constructor(name: string, args: RunnerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:agents:Runner", name, {}, opts);
    const labels = { app: "runner" };
    const template = {
      metadata: { labels },
      spec: {
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 5,
        securityContext: restrictedPod(USER),
        containers: [
          {
            name: "runner",
            image: args.image,
            // sleep alone, as process 1, would ignore SIGTERM.
            command: ["bash", "-c", "trap exit TERM; sleep infinity & wait"],
            securityContext: restrictedContainer,
            resources: {
              requests: { cpu: "100m", memory: "256Mi", "ephemeral-storage": "256Mi" },
              // More than both volumes below, so that their own limits apply first.
              limits: { memory: "2Gi", "ephemeral-storage": "4Gi" },
            },
            volumeMounts: [
              { name: "home", mountPath: "/home/agent" },
              { name: "tmp", mountPath: "/tmp" },
            ],
          },
        ],
        volumes: [
          { name: "home", emptyDir: { sizeLimit: "2Gi" } },
          { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
        ],
      },
    };
    const { metadata, spec } = pulumi
      .output(args.podPatch)
      .apply((patch) => applyPodPatch(patch, template));
    // Not a secret: a hash does not reveal a random token or key, and a secret would hide the whole pod in previews.
    const annotations = args.secretValue !== undefined && {
      "claude-gateway/secret-hash": pulumi.unsecret(
        pulumi.output(args.secretValue).apply(contentHash),
      ),
    };

    const { deployment, selector } = singlePod(
      `${name}-deployment`,
      {
        namespace: args.namespace,
        labels,
        template: {
          metadata: { labels: metadata.labels, ...(annotations && { annotations }) },
          spec,
        },
      },
      { parent: this },
    );
    // Serves nothing. It gives the pod a name for kubectl.
    new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: {
          namespace: args.namespace,
          name: "runner",
          annotations: { "pulumi.com/skipAwait": "true" },
        },
        spec: { clusterIP: "None", selector },
      },
      { parent: this, dependsOn: [deployment] },
    );

    this.registerOutputs({});
  }
}
