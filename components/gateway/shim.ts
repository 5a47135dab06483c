import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { pathLabels } from "../kubernetes/labels.ts";
import { ports } from "../kubernetes/ports.ts";
import { internalService, serviceAddress } from "../kubernetes/service.ts";
import { Envoy } from "./envoy/envoy.ts";
import { LiteLlm } from "./litellm/litellm.ts";
import type { GatewayPath, PathArgs } from "./path.ts";

/**
 * LiteLLM between two listeners of one Envoy. Envoy takes the agents' requests, checks their tokens and restores native
 * errors. LiteLLM calls the API through Envoy again, because only Envoy may reach the Internet and has the real credential:
 * LiteLLM shows a placeholder, which Envoy replaces.
 *
 * In an earlier release LiteLLM had the real credential. Its Services, and the files of its Envoy, have other names than
 * here. So while `pulumi up` replaces that release, its Envoy and its LiteLLM keep each other and never meet the new ones.
 */
export class Shim extends pulumi.ComponentResource implements GatewayPath {
  readonly selector: Record<string, pulumi.Input<string>>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: PathArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Shim", name, {}, opts);
    const { namespace, variant } = args;
    const host = (service: string) => pulumi.interpolate`${service}.${namespace}.svc.cluster.local`;

    const internalToken = new random.RandomPassword(
      `${name}-internal-token`,
      { length: 48, special: false },
      { parent: this },
    ).result;

    // LiteLLM accepts a key for Anthropic only in this form.
    const placeholder = pulumi.interpolate`sk-ant-placeholder-${
      new random.RandomPassword(
        `${name}-placeholder`,
        { length: 48, special: false },
        { parent: this },
      ).result
    }`;

    // LiteLLM needs its address, so it is made before the Envoy behind it and selects every Envoy of the path.
    const egressService = internalService(
      `${name}-egress-service`,
      {
        namespace,
        serviceName: `${variant.name}-upstream`,
        selector: pathLabels("gateway", variant.name),
        ports: [{ name: "upstream", port: ports.egress, targetPort: "upstream" }],
      },
      { parent: this },
    );
    const egressHost = host(`${variant.name}-upstream`);
    const litellm = new LiteLlm(
      `${name}-litellm`,
      {
        namespace,
        variant,
        objectName: `${variant.name}-litellm`,
        image: args.images.litellm,
        callers: internalToken.apply((token) => ({ envoy: [token] })),
        credential: placeholder,
        routes: args.routes,
        upstreamBaseUrl: pulumi.interpolate`http://${egressHost}:${ports.egress}`,
        hostAliases: pulumi
          .all([serviceAddress(egressService), egressHost])
          .apply(([ip, hostname]) => [{ ip, hostnames: [hostname] }]),
        agentNamespaces: args.agentNamespaces,
        drainSeconds: args.drainSeconds,
      },
      { parent: this },
    );

    const litellmService = internalService(
      `${name}-litellm-service`,
      {
        namespace,
        serviceName: `${variant.name}-passthrough`,
        selector: litellm.selector,
        ports: [{ name: "http", port: ports.litellm, targetPort: "http" }],
      },
      { parent: this, dependsOn: [litellm.deployment] },
    );

    const envoy = new Envoy(
      `${name}-envoy`,
      {
        namespace,
        variant,
        objectName: variant.name,
        images: args.images,
        routes: args.routes,
        allowHosts: args.allowHosts,
        serverFetch: args.serverFetch,
        ...(args.prices !== undefined && { prices: args.prices }),
        litellm: {
          host: host(`${variant.name}-passthrough`),
          secrets: pulumi
            .all([internalToken, placeholder])
            .apply(([token, placeholder]) => ({ token, placeholder })),
        },
        agents: args.agents,
        budgets: args.budgets,
        credential: args.credential,
        agentNamespaces: args.agentNamespaces,
        drainSeconds: args.drainSeconds,
        ...(args.record !== undefined && { record: args.record }),
        otlp: args.otlp,
      },
      // So that Envoy is deleted before LiteLLM and its Service, which its open requests still use.
      { parent: this, dependsOn: [litellm.deployment, litellmService] },
    );

    this.selector = envoy.selector;
    this.ready = [envoy.deployment, litellm.deployment];
    this.registerOutputs({ selector: this.selector });
  }
}
