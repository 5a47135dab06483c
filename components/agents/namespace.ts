import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labelKeys } from "../labels.ts";
import { restrictedNamespaceLabels } from "../restricted.ts";
import {
  agentEnvironment,
  type EnvironmentVariable,
  TOKEN_KEY,
  TOKEN_SECRET,
} from "./environment.ts";
import { Runner } from "./runner.ts";

export interface AgentNamespaceArgs {
  /** Name of the namespace. */
  readonly namespace: string;
  /** Labels and annotations beside those of every agent's namespace. */
  readonly labels: Record<string, string>;
  readonly annotations?: Record<string, string>;
  /** Base URL of the gateway. */
  readonly baseUrl: pulumi.Input<string>;
  /** The agent's token at the gateway. */
  readonly token: pulumi.Input<string>;
  /** Image with Claude Code; a runner is deployed when it is set. Default none. */
  readonly runnerImage?: string | undefined;
}

/** What a workload's pod template needs to be an agent of the gateway. */
export interface PodPatch {
  readonly spec: {
    readonly automountServiceAccountToken: false;
    readonly containers: readonly [{ readonly env: readonly EnvironmentVariable[] }];
  };
}

/** An agent's room: a namespace with its token at the gateway, and the runner where one is asked for. */
export class AgentNamespace extends pulumi.ComponentResource {
  /** Name of the namespace. */
  readonly namespace: pulumi.Output<string>;
  /** Name of the Secret with the agent's token. */
  readonly tokenSecret: pulumi.Output<string>;
  /** What to merge into the pod template of a workload of one's own. */
  readonly podPatch: pulumi.Output<PodPatch>;

  constructor(name: string, args: AgentNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:agents:AgentNamespace", name, {}, opts);

    const namespace = new k8s.core.v1.Namespace(
      `${name}-namespace`,
      {
        metadata: {
          name: args.namespace,
          labels: { ...restrictedNamespaceLabels, [labelKeys.role]: "agent", ...args.labels },
          ...(args.annotations && { annotations: args.annotations }),
        },
      },
      { parent: this },
    );
    this.namespace = namespace.metadata.name;

    const token = new k8s.core.v1.Secret(
      `${name}-token`,
      {
        metadata: { namespace: this.namespace, name: TOKEN_SECRET },
        stringData: { [TOKEN_KEY]: pulumi.secret(args.token) },
      },
      { parent: this },
    );
    this.tokenSecret = token.metadata.name;

    const environment = pulumi.output(args.baseUrl).apply(agentEnvironment);
    this.podPatch = environment.apply((env): PodPatch => ({
      spec: { automountServiceAccountToken: false, containers: [{ env }] },
    }));

    if (args.runnerImage !== undefined) {
      new Runner(
        `${name}-runner`,
        { namespace: this.namespace, image: args.runnerImage, environment },
        { parent: this, dependsOn: [token] },
      );
    }

    this.registerOutputs({
      namespace: this.namespace,
      tokenSecret: this.tokenSecret,
      podPatch: this.podPatch,
    });
  }
}
