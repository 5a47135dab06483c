import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ports } from "../kubernetes/ports.ts";
import { serviceAddress } from "../kubernetes/service.ts";
import { UPSTREAM_BASE_URL } from "./api/upstream.ts";
import { Envoy } from "./envoy/envoy.ts";
import { LiteLlm } from "./litellm/litellm.ts";
import type { GatewayPath, PathArgs } from "./path.ts";
import type { RealCredential } from "./real-credential.ts";
import { Shim } from "./shim.ts";

export type GatewayArgs = PathArgs;

const SERVICE_NAME = "gateway";

/** Host name of the gateway's Service in a namespace. Agents use it. */
export function gatewayHost(namespace: string): string {
  return `${SERVICE_NAME}.${namespace}.svc.cluster.local`;
}

/** The Service `gateway` and the pods behind it, for the selected path. */
export class Gateway extends pulumi.ComponentResource {
  /** Base URL for `ANTHROPIC_BASE_URL`. */
  readonly baseUrl: pulumi.Output<string>;
  /** Address of the Service. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: GatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Gateway", name, {}, opts);
    const { namespace, variant } = args;

    const path = createPath(`${name}-${variant.name}`, args, { parent: this });

    // Never replaced: a change of the path only changes the selector, once the new pods are Ready. A port has no
    // endpoint if the selected pods have no port of that name.
    const service = new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: { namespace, name: SERVICE_NAME },
        spec: {
          selector: path.selector,
          ports: [
            { name: "http", port: ports.agents, targetPort: "http" },
            { name: "tls", port: ports.https, targetPort: "tls" },
            ...(args.otlp === undefined
              ? []
              : [{ name: "otlp", port: ports.otlp, targetPort: "otlp" }]),
          ],
        },
      },
      { parent: this, dependsOn: [...path.ready] },
    );

    this.address = serviceAddress(service);
    this.baseUrl = pulumi
      .output(namespace)
      .apply((namespace) => variant.baseUrl(gatewayHost(namespace)));
    this.registerOutputs({ baseUrl: this.baseUrl, address: this.address });
  }
}

/** All names contain the path, so that the old path and the new one can exist side by side while one replaces the other. */
function createPath(
  name: string,
  args: GatewayArgs,
  opts: pulumi.ComponentResourceOptions,
): GatewayPath {
  const { variant } = args;
  switch (variant.litellm) {
    case "called-by-agents": {
      const { selector, deployment } = new LiteLlm(
        name,
        {
          variant,
          objectName: variant.name,
          namespace: args.namespace,
          image: args.images.litellm,
          callers: args.agents,
          credential: storedValue(args.credential),
          upstreamBaseUrl: UPSTREAM_BASE_URL,
          agentNamespaces: args.agentNamespaces,
          drainSeconds: args.drainSeconds,
        },
        opts,
      );
      return { selector, ready: [deployment] };
    }
    case "behind-envoy":
      return new Shim(name, args, opts);
    default: {
      const { selector, deployment } = new Envoy(name, { ...args, objectName: variant.name }, opts);
      return { selector, ready: [deployment] };
    }
  }
}

/** LiteLLM reads its credential at its start, so it cannot hold one that is renewed. `Variant.credentials` rules that out. */
function storedValue(credential: RealCredential | undefined): pulumi.Input<string> {
  if (credential !== undefined && "value" in credential) return credential.value;
  throw new Error("LiteLLM needs a credential that the config stores: choose another path");
}
