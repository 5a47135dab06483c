import type * as pulumi from "@pulumi/pulumi";
import type { CallerTokens, CredentialKind } from "./api/credentials.ts";
import type { ExtraRoute } from "./api/endpoints.ts";
import type { Variant } from "./paths/variant.ts";

/** What every path is deployed with. */
export interface PathArgs {
  /** What is deployed behind the Service. */
  readonly variant: Variant;
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Images by part. */
  readonly images: {
    readonly litellm: string;
    readonly envoy: string;
    /** Runs the drain helper beside Envoy. */
    readonly node: string;
  };
  /** Accepted tokens by agent. */
  readonly agents: pulumi.Input<CallerTokens>;
  /** The upstream credential. Unused where the agent holds it. */
  readonly credential: pulumi.Input<string>;
  readonly credentialKind: CredentialKind;
  /** What Envoy opens beside the two message routes. */
  readonly routes: readonly ExtraRoute[];
  /** Hosts that agents reach by TLS. */
  readonly allowHosts: readonly string[];
  /** Labels that every namespace of the agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Longest wait for open streams when a pod is replaced, in seconds. */
  readonly drainSeconds: number;
}

/** A deployed path, as the Service `gateway` needs it. */
export interface GatewayPath {
  /** Labels that select the pod which takes agents' requests. */
  readonly selector: Record<string, pulumi.Input<string>>;
  /** What must be Ready before the Service may select those pods. */
  readonly ready: readonly pulumi.Resource[];
}
