import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { serviceAddress } from "../../service-address.ts";
import * as random from "@pulumi/random";
import { pathLabels } from "../../labels.ts";
import { Envoy } from "../envoy/envoy.ts";
import { ports } from "../envoy/ports.ts";
import { LiteLlm } from "../litellm/litellm.ts";
import type { GatewayPath, PathArgs } from "../path.ts";

export interface ShimArgs extends PathArgs {
  /** `hybrid` also passes on TLS to allowlisted hosts. */
  readonly variant: "shim" | "hybrid";
}

/**
 * LiteLLM between two listeners of one Envoy: agents' requests come in through Envoy, which checks tokens and
 * restores native errors, and leave LiteLLM through Envoy again, the only pod with a way out.
 */
export class Shim extends pulumi.ComponentResource implements GatewayPath {
  readonly selector: Record<string, pulumi.Input<string>>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ShimArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Shim", name, {}, opts);
    const { namespace, variant } = args;
    const host = (service: string) => pulumi.interpolate`${service}.${namespace}.svc.cluster.local`;

    const internalToken = new random.RandomPassword(
      `${name}-internal-token`,
      { length: 48, special: false },
      { parent: this },
    ).result;

    const annotations = { "pulumi.com/skipAwait": "true" };
    // LiteLLM has to know its address, so it comes before the pods behind it, and selects every Envoy of the path.
    const egressService = new k8s.core.v1.Service(
      `${name}-egress-service`,
      {
        metadata: { namespace, name: `${variant}-egress`, annotations },
        spec: {
          selector: pathLabels("gateway", variant),
          ports: [{ name: "egress", port: ports.egress, targetPort: "egress" }],
        },
      },
      { parent: this },
    );
    const egressHost = host(`${variant}-egress`);
    const litellm = new LiteLlm(
      `${name}-litellm`,
      {
        namespace,
        objectName: `${variant}-litellm`,
        variant,
        role: "litellm",
        image: args.images.litellm,
        callers: internalToken.apply((token) => ({ envoy: [token] })),
        credential: args.credential,
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

    const litellmService = new k8s.core.v1.Service(
      `${name}-litellm-service`,
      {
        metadata: { namespace, name: `${variant}-litellm`, annotations },
        spec: {
          selector: litellm.selector,
          ports: [{ name: "http", port: ports.litellm, targetPort: "http" }],
        },
      },
      { parent: this, dependsOn: [litellm.deployment] },
    );

    const envoy = new Envoy(
      `${name}-envoy`,
      {
        namespace,
        objectName: `${variant}-envoy`,
        variant,
        images: args.images,
        config: host(`${variant}-litellm`).apply((litellmHost) => ({
          path: variant,
          credentialKind: args.credentialKind,
          routes: args.routes,
          litellmHost,
          allowHosts: args.allowHosts,
        })),
        agents: args.agents,
        credential: internalToken,
        agentNamespaces: args.agentNamespaces,
        drainSeconds: args.drainSeconds,
      },
      // Deleted before LiteLLM and its Service, which its open requests still pass through.
      { parent: this, dependsOn: [litellm.deployment, litellmService] },
    );

    this.selector = envoy.selector;
    this.ready = [envoy.deployment, litellm.deployment];
    this.registerOutputs({ selector: this.selector });
  }
}
