import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { serviceAddress } from "../service-address.ts";
import { UPSTREAM_HOST } from "../egress/schema.ts";
import { Envoy } from "./envoy/envoy.ts";
import { BASE_PATH } from "./envoy/endpoints.ts";
import { ports } from "./envoy/ports.ts";
import { LiteLlm } from "./litellm/litellm.ts";
import type { GatewayPath, PathArgs } from "./path.ts";
import { Shim } from "./shim/shim.ts";
import type { GatewayVariant } from "./variant.ts";

export interface GatewayArgs extends PathArgs {
  /** What is deployed behind the Service. */
  readonly variant: GatewayVariant;
}

const UPSTREAM_BASE_URL = `https://${UPSTREAM_HOST}`;

const SERVICE_NAME = "gateway";

/** Host name of the Service in a namespace, as agents know it. */
export function gatewayHost(namespace: string): string {
  return `${SERVICE_NAME}.${namespace}.svc.cluster.local`;
}

/** The Service `gateway` and what serves it on the selected path. */
export class Gateway extends pulumi.ComponentResource {
  /** Base URL for `ANTHROPIC_BASE_URL`. */
  readonly baseUrl: pulumi.Output<string>;
  /** Address of the Service. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Gateway", name, {}, opts);
    const { namespace, variant } = args;

    const path = createPath(`${name}-${variant}`, args, { parent: this });

    // Never replaced: a toggle only moves the selector, once the new pods are Ready. A port whose name the
    // selected pods do not have is a port without an endpoint.
    const service = new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: { namespace, name: SERVICE_NAME },
        spec: {
          selector: path.selector,
          ports: [
            { name: "http", port: ports.agents, targetPort: "http" },
            { name: "tls", port: ports.https, targetPort: "tls" },
          ],
        },
      },
      { parent: this, dependsOn: [...path.ready] },
    );

    this.address = serviceAddress(service);
    this.baseUrl =
      variant === "envoy-sni"
        ? pulumi.output(UPSTREAM_BASE_URL)
        : pulumi
            .output(namespace)
            .apply((namespace) => `http://${gatewayHost(namespace)}:${ports.agents}${BASE_PATH}`);
    this.registerOutputs({ baseUrl: this.baseUrl, address: this.address });
  }
}

/** Everything of one path carries the path in its names, so that old and new stand side by side in a toggle. */
function createPath(
  name: string,
  args: GatewayArgs,
  opts: pulumi.ComponentResourceOptions,
): GatewayPath {
  const { variant } = args;
  switch (variant) {
    case "litellm": {
      const { selector, deployment } = new LiteLlm(
        name,
        {
          namespace: args.namespace,
          credential: args.credential,
          agentNamespaces: args.agentNamespaces,
          drainSeconds: args.drainSeconds,
          variant,
          objectName: variant,
          role: "gateway",
          image: args.images.litellm,
          callers: args.agents,
          upstreamBaseUrl: UPSTREAM_BASE_URL,
        },
        opts,
      );
      return { selector, ready: [deployment] };
    }
    case "shim":
    case "hybrid":
      return new Shim(name, { ...args, variant }, opts);
    case "envoy-terminate":
    case "envoy-sni": {
      const { credentialKind, routes, allowHosts } = args;
      const config =
        variant === "envoy-sni"
          ? { path: variant, allowHosts }
          : { path: variant, credentialKind, routes };
      const { selector, deployment } = new Envoy(
        name,
        {
          namespace: args.namespace,
          images: args.images,
          agents: args.agents,
          credential: args.credential,
          agentNamespaces: args.agentNamespaces,
          drainSeconds: args.drainSeconds,
          variant,
          objectName: variant,
          config,
        },
        opts,
      );
      return { selector, ready: [deployment] };
    }
  }
}
