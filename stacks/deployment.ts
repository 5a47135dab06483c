import * as pulumi from "@pulumi/pulumi";
import { agentEnvironment, gatewayToken, ownCredential } from "../components/agents/environment.ts";
import { AgentNamespace } from "../components/agents/namespace.ts";
import type { PodPatch } from "../components/agents/pod-patch.ts";
import { AgentToken } from "../components/agents/token.ts";
import { Egress } from "../components/egress/egress.ts";
import { Gateway, gatewayHost } from "../components/gateway/gateway.ts";
import type { ServerFetch } from "../components/gateway/envoy/server-fetch.ts";
import { deployedVariant } from "../components/gateway/paths/index.ts";
import { isMetered, upstreamOf, type Variant } from "../components/gateway/paths/variant.ts";
import { DEFAULT_PROVIDER, type ProviderName } from "../components/gateway/providers/index.ts";
import type { RealCredential } from "../components/gateway/real-credential.ts";
import { type Budget, type BudgetLimits, hasBudget } from "../components/usage/budget/limits.ts";
import { Budgets } from "../components/usage/budget/budgets.ts";
import { gatewayNamespace as makeGatewayNamespace } from "../components/kubernetes/gateway-namespace.ts";
import { labelKeys } from "../components/kubernetes/labels.ts";
import { priceTable } from "../components/usage/prices/table.ts";
import { UsageRecord } from "../components/usage/record/record.ts";
import { ports } from "../components/kubernetes/ports.ts";
import { Operators } from "../components/kubernetes/operators.ts";
import { collectorOf } from "../components/usage/telemetry/collector.ts";
import type { Scraper } from "../components/usage/telemetry/schema.ts";
import { Scraping } from "../components/usage/telemetry/scraping.ts";
import { clusterProvider } from "./cluster.ts";
import { ConfigError, type OnCluster } from "./config.ts";
import { realCredential } from "./credential.ts";
import { inspectionOf, usesGithub } from "./inspection.ts";
import type { Host } from "./host-check.ts";
import { warnOfRestarts } from "./restart-warning.ts";
import { images } from "./versions.ts";

/** Arguments of {@link deploy}, which makes both gateway stacks and spikes. */
export interface DeploymentArgs {
  readonly config: OnCluster;
  /** The host whose machine to deploy to. Default: the cluster that `config` names. */
  readonly host?: Host | undefined;
  readonly gatewayNamespace: string;
  readonly agents: readonly {
    readonly name: string;
    readonly namespace: string;
    readonly tokenGeneration: number;
    /** How many requests the agent may have at once. Default the same number for each. */
    readonly maxRequests?: number | undefined;
    /** What the agent may spend. Default no limit. */
    readonly budget?: Budget | undefined;
  }[];
  /** Annotations of every namespace. Default none. */
  readonly annotations?: Record<string, string>;
}

/** Settings on which network policies and the expected ways out depend, besides the path. */
export interface PolicySettings {
  /** Hosts that agents reach by TLS that is passed on. Default: none. */
  readonly allow?: readonly string[];
  /** Hosts whose TLS ends at the gateway. Default: none. */
  readonly inspect?: readonly string[];
  /** Whether agents may make the API's servers fetch something. Default: `allow`. */
  readonly serverFetch?: ServerFetch;
  /** The provider, by which policies are named. Default: Anthropic's API. */
  readonly provider?: ProviderName;
  /** Whether there is a budget. */
  readonly budgets: boolean;
  /** Who may read the metrics. */
  readonly scrapers: readonly Scraper[];
  /** Endpoint of the OTLP receiver. Default: none. */
  readonly otlpEndpoint?: string;
}

/** Outputs of gateway stacks and spikes; other stacks and the npm commands read them. */
export interface DeploymentOutputs {
  readonly baseUrl: pulumi.Output<string>;
  readonly gatewayPath: string;
  readonly agents: Record<
    string,
    {
      readonly namespace: pulumi.Output<string>;
      /** Name of the Secret with the agent's token; in mode sni, with its own credential if the stack has one. */
      readonly tokenSecret: pulumi.Output<string> | undefined;
      readonly podPatch: pulumi.Output<PodPatch>;
    }
  >;
  /** What `npm run verify` and `npm run verify:egress` compare the stack by. */
  readonly policySettings: PolicySettings;
}

/** Makes a gateway in its namespace, and a namespace for each of its agents. */
export function deploy({
  config,
  host,
  gatewayNamespace,
  agents,
  annotations = {},
}: DeploymentArgs): DeploymentOutputs {
  const provider = clusterProvider(config, host);
  const variant = deployedVariant(config.gateway);
  if (variant === undefined)
    throw new ConfigError("gateway.path and gateway.mode do not name a path: fix them");
  const serverFetch = config.egress.serverFetch ?? (isMetered(variant) ? "deny" : "allow");
  const deployed = {
    litellm: config.images.litellm ?? images.litellm,
    envoy: config.images.envoy ?? images.envoy,
    coredns: config.images.coredns ?? images.coredns,
    node: config.images.node ?? images.node,
    ratelimit: config.images.ratelimit ?? images.ratelimit,
    valkey: config.images.valkey ?? images.valkey,
  };
  const labels = { [labelKeys.stack]: pulumi.getStack(), [labelKeys.kind]: config.kind };
  const agentNamespaces = { [labelKeys.stack]: pulumi.getStack(), [labelKeys.role]: "agent" };

  const { namespace, ready } = makeGatewayNamespace(
    "gateway",
    {
      namespace: gatewayNamespace,
      labels: { [labelKeys.role]: "gateway", ...labels },
      annotations,
    },
    { provider },
  );

  const credential = realCredential(
    config.credential,
    { namespace },
    { provider, dependsOn: ready },
  );

  const agentsWithTokens = agents.map((agent) => ({
    ...agent,
    token: new AgentToken(`${agent.name}-token`, { generation: agent.tokenGeneration }),
  }));

  const limits = budgetLimits(config.budget, agents);
  const budgets = hasBudget(limits)
    ? new Budgets(
        "budgets",
        { namespace, images: deployed, limits },
        { provider, dependsOn: ready },
      )
    : undefined;
  const usage = new UsageRecord(
    "usage",
    { namespace, images: deployed },
    { provider, dependsOn: ready },
  );

  const inspection = inspectionOf(config, gatewayNamespace, { provider });
  const inspected = (inspection?.hosts ?? []).map(({ host }) => host);

  const { otlp } = config.telemetry;
  const gateway = new Gateway(
    "gateway",
    {
      namespace,
      variant,
      images: deployed,
      agents: pulumi.all(
        Object.fromEntries(agentsWithTokens.map(({ name, token }) => [name, token.accepted])),
      ),
      credential,
      routes: config.gateway.routes ?? [],
      allowHosts: config.egress.allow,
      inspect: inspection,
      serverFetch,
      prices: priceTable(config.prices),
      budgets: budgets?.host.apply((host) => ({
        host,
        limits,
        onFailure: config.budget?.onFailure ?? "refuse",
      })),
      maxRequests: Object.fromEntries(
        agents.flatMap(({ name, maxRequests }) =>
          maxRequests === undefined ? [] : [[name, maxRequests] as const],
        ),
      ),
      agentNamespaces,
      drainSeconds: config.gateway.drainSeconds,
      record: usage.claim,
      otlp: otlp && { ...collectorOf(otlp.endpoint), headers: otlp.headers },
    },
    { provider, dependsOn: [...ready, ...(budgets?.ready ?? [])] },
  );

  const scrapers = config.telemetry.scrape.from;
  if (scrapers.length > 0) {
    new Scraping("scraping", { namespace, from: scrapers }, { provider, dependsOn: ready });
  }

  const egress = new Egress(
    "egress",
    {
      namespace: gatewayNamespace,
      variant,
      images: deployed,
      gateway: { host: gatewayHost(gatewayNamespace), address: gateway.address },
      allow: [...config.egress.allow, ...inspected],
      agentNamespaces,
      labels,
      trust: inspection !== undefined,
    },
    { provider, dependsOn: ready },
  );

  const otlpUrl = otlp && `http://${gatewayHost(gatewayNamespace)}:${ports.otlp}`;
  const ofProvider = upstreamOf(variant).environment;
  const environments = agentsWithTokens.map(({ name, token }) => ({
    name,
    variables: agentEnvironment({
      baseUrl: variant.baseUrl(gatewayHost(gatewayNamespace)),
      ofProvider,
      secret: shownBy(variant, credential, token),
      otlpUrl,
      trust: inspection !== undefined,
      github: usesGithub(config, name),
    }),
  }));
  warnOfRestarts(environments, config.images.runner !== undefined);

  const namespaces = agentsWithTokens.map(({ name, namespace, token }) => {
    const agent = new AgentNamespace(
      `agent-${name}`,
      {
        namespace,
        labels: { ...labels, ...agentNamespaces },
        annotations,
        baseUrl: gateway.baseUrl,
        ofProvider,
        secret: shownBy(variant, credential, token),
        egress: {
          gatewayNamespace,
          dnsAddress: egress.dnsAddress,
          gate: egress.gate,
          ready: egress.ready,
        },
        otlpUrl,
        authority: inspection?.authority.certificate,
        github: usesGithub(config, name),
        runnerImage: config.images.runner,
        share: host?.share,
      },
      { provider },
    );
    return [
      name,
      { namespace: agent.namespace, tokenSecret: agent.tokenSecret, podPatch: agent.podPatch },
    ] as const;
  });

  // A spike lives for hours, and whoever made it looks after it.
  if (config.kind === "gateway") {
    new Operators(
      "operators",
      {
        objectName: `claude-gateway-operators-${gatewayNamespace}`,
        labels,
        namespaces: {
          gateway: namespace,
          ...Object.fromEntries(
            namespaces.map(([name, agent]) => [`agent-${name}`, agent.namespace]),
          ),
        },
      },
      { provider },
    );
  }

  return {
    baseUrl: gateway.baseUrl,
    gatewayPath: config.gateway.path,
    agents: Object.fromEntries(namespaces),
    policySettings: {
      allow: config.egress.allow,
      ...(inspected.length > 0 && { inspect: inspected }),
      serverFetch,
      ...(config.gateway.provider !== DEFAULT_PROVIDER && { provider: config.gateway.provider }),
      budgets: budgets !== undefined,
      scrapers,
      ...(otlp && { otlpEndpoint: otlp.endpoint }),
    },
  };
}

function budgetLimits(all: Budget = {}, agents: DeploymentArgs["agents"]): BudgetLimits {
  const own = agents.flatMap(({ name, budget }) => (budget ? [[name, budget] as const] : []));
  return { all, agents: Object.fromEntries(own) };
}

/** The secret that an agent sends: its token for the gateway, or its own credential if the gateway passes TLS on. */
function shownBy(variant: Variant, credential: RealCredential | undefined, token: AgentToken) {
  if (variant.holder !== "agent") return { ...gatewayToken, value: token.current };
  if (credential === undefined || !("value" in credential)) return undefined;
  return { ...ownCredential(credential.kind), value: credential.value };
}
