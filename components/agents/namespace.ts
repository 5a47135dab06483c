import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { GATE_NAME, type GateContainer, gateFiles } from "../egress/gate/gate.ts";
import { networkPolicy } from "../kubernetes/network-policy.ts";
import { closedNamespace } from "../kubernetes/closed-namespace.ts";
import { agentEnvironment, type AgentSecret } from "./environment.ts";
import { agentContainerDefaults, agentQuota } from "./limits.ts";
import { podPatch, type PodPatch } from "./pod-patch.ts";
import { agentPolicy } from "./policy.ts";
import { Runner } from "./runner.ts";
import type { AgentShare } from "./share.ts";

export interface AgentNamespaceArgs {
  /** Name of the namespace. */
  readonly namespace: string;
  /** Labels in addition to those of every restricted namespace. */
  readonly labels: Record<string, string>;
  readonly annotations?: Record<string, string>;
  /** Base URL of the gateway. */
  readonly baseUrl: pulumi.Input<string>;
  /** Variables by which Claude Code calls the provider's API at the base URL. Default: those of Anthropic's API. */
  readonly ofProvider?: ((baseUrl: string) => Readonly<Record<string, string>>) | undefined;
  /** The token or credential that the agent sends. Without one, whoever deploys a workload must supply it. */
  readonly secret?: (AgentSecret & { readonly value: pulumi.Input<string> }) | undefined;
  /** What the agent's pods need from {@link Egress}. */
  readonly egress: {
    readonly gatewayNamespace: string;
    /** Address of the agents' DNS. */
    readonly dnsAddress: pulumi.Input<string>;
    readonly gate: pulumi.Input<GateContainer>;
    /** What must exist before a pod may start. */
    readonly ready: readonly pulumi.Resource[];
  };
  /** Base URL of the gateway for Claude Code's own telemetry. Default: none is sent. */
  readonly otlpUrl?: pulumi.Input<string> | undefined;
  /** Image with Claude Code. If it is set, a runner is deployed. Default none. */
  readonly runnerImage?: string | undefined;
  /** What the agent's pods may request. Default: fixed limits, because the machine's size is not known. */
  readonly share?: AgentShare | undefined;
}

/** An agent's namespace: closed by network policies, with the agent's secret and limits, and optionally a runner. */
export class AgentNamespace extends pulumi.ComponentResource {
  /** Name of the namespace. */
  readonly namespace: pulumi.Output<string>;
  /** Name of the Secret with the agent's token or credential, if the stack has one. */
  readonly tokenSecret: pulumi.Output<string> | undefined;
  /** What to merge into the pod template of any other workload. */
  readonly podPatch: pulumi.Output<PodPatch>;

  constructor(name: string, args: AgentNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:agents:AgentNamespace", name, {}, opts);
    const { egress } = args;

    const { namespace, deny } = closedNamespace(
      name,
      { namespace: args.namespace, labels: args.labels, annotations: args.annotations },
      { parent: this },
    );
    this.namespace = namespace;

    const secret =
      args.secret &&
      new k8s.core.v1.Secret(
        `${name}-${args.secret.key}`,
        {
          metadata: { namespace, name: args.secret.name },
          stringData: { [args.secret.key]: pulumi.secret(args.secret.value) },
        },
        { parent: this },
      );
    this.tokenSecret = secret?.metadata.name;

    const policies = [
      deny,
      networkPolicy(
        `${name}-policy`,
        {
          namespace,
          policyName: "agent",
          spec: agentPolicy(egress.gatewayNamespace, { otlp: args.otlpUrl !== undefined }),
        },
        { parent: this },
      ),
    ];
    const gate = new k8s.core.v1.ConfigMap(
      `${name}-gate`,
      { metadata: { namespace, name: GATE_NAME }, data: gateFiles() },
      { parent: this },
    );
    const limits = [
      new k8s.core.v1.ResourceQuota(
        `${name}-quota`,
        { metadata: { namespace, name: "agent" }, spec: agentQuota(args.share) },
        { parent: this },
      ),
      new k8s.core.v1.LimitRange(
        `${name}-defaults`,
        { metadata: { namespace, name: "agent" }, spec: agentContainerDefaults },
        { parent: this },
      ),
    ];

    this.podPatch = pulumi
      .all([args.baseUrl, egress.dnsAddress, egress.gate, args.otlpUrl])
      .apply(([baseUrl, dnsAddress, gate, otlpUrl]) =>
        podPatch({
          env: agentEnvironment({
            baseUrl,
            ofProvider: args.ofProvider,
            secret: args.secret,
            otlpUrl,
          }),
          dnsAddress,
          gate,
        }),
      );

    if (args.runnerImage !== undefined) {
      new Runner(
        `${name}-runner`,
        {
          namespace,
          image: args.runnerImage,
          podPatch: this.podPatch,
          secretValue: args.secret?.value,
        },
        {
          parent: this,
          dependsOn: [
            ...(secret === undefined ? [] : [secret]),
            ...policies,
            ...limits,
            gate,
            ...egress.ready,
          ],
        },
      );
    }

    this.registerOutputs({
      namespace: this.namespace,
      tokenSecret: this.tokenSecret,
      podPatch: this.podPatch,
    });
  }
}
