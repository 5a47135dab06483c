import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LiteLlm } from "./litellm/litellm.ts";
import type { CallerTokens } from "./tokens.ts";
import type { GatewayVariant } from "./variant.ts";

export interface GatewayArgs {
  /** Namespace of the gateway; it must exist. */
  readonly namespace: pulumi.Input<string>;
  /** What is deployed behind the Service. */
  readonly variant: GatewayVariant;
  /** Images by part. */
  readonly images: { readonly litellm: string };
  /** Accepted tokens by agent. */
  readonly agents: pulumi.Input<CallerTokens>;
  /** The upstream credential. */
  readonly credential: pulumi.Input<string>;
  /** Longest wait for open streams when pods are replaced, in seconds. */
  readonly drainSeconds: number;
}

/** Port of the Service `gateway` on every HTTP path. */
export const GATEWAY_PORT = 8080;
const UPSTREAM_BASE_URL = "https://api.anthropic.com";

/** The Service `gateway` and what serves it on the selected path. */
export class Gateway extends pulumi.ComponentResource {
  /** Base URL for `ANTHROPIC_BASE_URL`. */
  readonly baseUrl: pulumi.Output<string>;

  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Gateway", name, {}, opts);
    const { namespace } = args;

    const path = new LiteLlm(
      `${name}-litellm`,
      {
        namespace,
        deploymentName: "litellm",
        variant: args.variant,
        role: "gateway",
        image: args.images.litellm,
        callers: args.agents,
        credential: args.credential,
        upstreamBaseUrl: UPSTREAM_BASE_URL,
        drainSeconds: args.drainSeconds,
      },
      { parent: this },
    );

    // Never replaced: a toggle only moves the selector, once the new pods are Ready.
    new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: { namespace, name: "gateway" },
        spec: {
          selector: path.selector,
          ports: [{ name: "http", port: GATEWAY_PORT, targetPort: "http" }],
        },
      },
      { parent: this, dependsOn: [path.deployment] },
    );

    this.baseUrl = pulumi.interpolate`http://gateway.${namespace}.svc.cluster.local:${GATEWAY_PORT}/anthropic`;
    this.registerOutputs({ baseUrl: this.baseUrl });
  }
}
