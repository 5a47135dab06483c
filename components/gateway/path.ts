import type * as pulumi from "@pulumi/pulumi";
import type { CredentialKind } from "./schema.ts";
import type { CallerTokens } from "./tokens.ts";
import type { ExtraRoute } from "./envoy/endpoints.ts";

/** What every path is deployed with. */
export interface PathArgs {
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
  /** The upstream credential. Unused on `envoy-sni`. */
  readonly credential: pulumi.Input<string>;
  readonly credentialKind: CredentialKind;
  /** What Envoy opens beside the two message routes. */
  readonly routes: readonly ExtraRoute[];
  /** Hosts that agents reach by SNI. */
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

/** Seconds that Services need to stop sending requests to a pod, and a server to end after its last one. */
export const DEREGISTRATION_SECONDS = 5;
export const TEARDOWN_SECONDS = 15;

/** The grace that the kubelet gives a pod which drains for `drainSeconds`. */
export function terminationGraceSeconds(drainSeconds: number): number {
  return drainSeconds + DEREGISTRATION_SECONDS + TEARDOWN_SECONDS;
}

/** Timeouts of a Deployment whose pods drain: deleting one waits until its pods are gone. */
export function drainingTimeouts(drainSeconds: number): pulumi.CustomTimeouts {
  return { delete: `${terminationGraceSeconds(drainSeconds) + 60}s` };
}
