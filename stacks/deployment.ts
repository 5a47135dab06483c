import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { AgentNamespace, type PodPatch } from "../components/agents/namespace.ts";
import { AgentToken } from "../components/agents/token.ts";
import { Gateway } from "../components/gateway/gateway.ts";
import { gatewayVariant } from "../components/gateway/variant.ts";
import { labelKeys } from "../components/labels.ts";
import { restrictedNamespaceLabels } from "../components/restricted.ts";
import { clusterProvider } from "./cluster.ts";
import type { OnCluster } from "./config.ts";
import { images } from "./versions.ts";

/** What a gateway stack and a spike make alike, and where. */
export interface DeploymentArgs {
  readonly config: OnCluster;
  readonly gatewayNamespace: string;
  readonly agents: readonly {
    readonly name: string;
    readonly namespace: string;
    readonly tokenGeneration: number;
  }[];
  /** Annotations of every namespace. Default none. */
  readonly annotations?: Record<string, string>;
}

/** Outputs of gateway stacks and spikes; other stacks and the npm commands read them. */
export interface DeploymentOutputs {
  readonly baseUrl: pulumi.Output<string>;
  readonly gatewayPath: string;
  readonly agents: Record<
    string,
    {
      readonly namespace: pulumi.Output<string>;
      readonly tokenSecret: pulumi.Output<string>;
      readonly podPatch: pulumi.Output<PodPatch>;
    }
  >;
}

/** A gateway in its namespace and a namespace for each of its agents. */
export function deploy({
  config,
  gatewayNamespace,
  agents,
  annotations = {},
}: DeploymentArgs): DeploymentOutputs {
  const provider = clusterProvider(config);
  const labels = { [labelKeys.stack]: pulumi.getStack(), [labelKeys.kind]: config.kind };

  const namespace = new k8s.core.v1.Namespace(
    "gateway-namespace",
    {
      metadata: {
        name: gatewayNamespace,
        labels: { ...restrictedNamespaceLabels, [labelKeys.role]: "gateway", ...labels },
        annotations,
      },
    },
    { provider },
  );

  const agentsWithTokens = agents.map((agent) => ({
    ...agent,
    token: new AgentToken(`${agent.name}-token`, { generation: agent.tokenGeneration }),
  }));

  const gateway = new Gateway(
    "gateway",
    {
      namespace: namespace.metadata.name,
      variant: gatewayVariant(config.gateway),
      images: {
        litellm: config.images.litellm ?? images.litellm,
        envoy: config.images.envoy ?? images.envoy,
        node: config.images.node ?? images.node,
      },
      agents: pulumi.all(
        Object.fromEntries(agentsWithTokens.map(({ name, token }) => [name, token.accepted])),
      ),
      credential: config.credential.value,
      credentialKind: config.credential.kind,
      routes: config.gateway.path === "litellm" ? [] : config.gateway.routes,
      allowHosts: config.egress.allow,
      drainSeconds: config.gateway.drainSeconds,
    },
    { provider },
  );

  const rooms = agentsWithTokens.map(({ name, namespace, token }) => {
    const room = new AgentNamespace(
      `agent-${name}`,
      {
        namespace,
        labels,
        annotations,
        baseUrl: gateway.baseUrl,
        token: token.current,
        runnerImage: config.images.runner,
      },
      { provider },
    );
    return [
      name,
      { namespace: room.namespace, tokenSecret: room.tokenSecret, podPatch: room.podPatch },
    ] as const;
  });

  return {
    baseUrl: gateway.baseUrl,
    gatewayPath: config.gateway.path,
    agents: Object.fromEntries(rooms),
  };
}
