import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labelKeys } from "../labels.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";
import type { EnvironmentVariable } from "./environment.ts";

export interface RunnerArgs {
  /** The agent's namespace. */
  readonly namespace: pulumi.Input<string>;
  /** Image built from runner/Containerfile. */
  readonly image: string;
  /** Environment of Claude Code. */
  readonly environment: pulumi.Input<EnvironmentVariable[]>;
}

/** The user `agent` of runner/Containerfile. */
const USER = 1000;

/** A pod that waits for turns: `kubectl exec deployment/runner -- claude -p …`. */
export class Runner extends pulumi.ComponentResource {
  constructor(name: string, args: RunnerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:agents:Runner", name, {}, opts);
    const labels = { [labelKeys.role]: "agent", app: "runner" };

    new k8s.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata: { namespace: args.namespace, name: "runner", labels },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          // Two runners at once would share nothing, so the old one goes first.
          strategy: { type: "Recreate" },
          template: {
            metadata: { labels },
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              terminationGracePeriodSeconds: 5,
              securityContext: restrictedPod(USER),
              containers: [
                {
                  name: "runner",
                  image: args.image,
                  command: ["sleep", "infinity"],
                  env: args.environment,
                  securityContext: restrictedContainer,
                  resources: {
                    requests: { cpu: "100m", memory: "256Mi" },
                    limits: { memory: "2Gi" },
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
          },
        },
      },
      { parent: this },
    );

    this.registerOutputs({});
  }
}
