import { UPSTREAM_HOST } from "../../egress/schema.ts";
import type { ExtraRoute } from "./endpoints.ts";

/** How the real credential is presented: `x-api-key`, or `Authorization: Bearer` with the OAuth beta. */
export type CredentialKind = "apiKey" | "oauth";

interface CommonArgs {
  /** Host of the real API, TCP 443. Defaults to `api.anthropic.com`. */
  readonly upstreamHost?: string;
  /** Envoy answers 503 near this much memory instead of being killed; keep it below the pod's limit. Defaults to what `limits.ts` says. */
  readonly heapLimitBytes?: number;
}

interface HttpArgs extends CommonArgs {
  /** What is open beside the two message routes. Defaults to nothing. */
  readonly routes?: readonly ExtraRoute[];
  /** Kind of the real credential. */
  readonly credentialKind: CredentialKind;
}

/** Agent → Envoy → upstream: Envoy holds the real credential. */
export interface TerminateArgs extends HttpArgs {
  readonly path: "envoy-terminate";
}

/** Agent → Envoy → LiteLLM → Envoy → upstream. */
export interface ShimArgs extends HttpArgs {
  readonly path: "shim";
  /** Host name of LiteLLM's Service, fully qualified. */
  readonly litellmHost: string;
}

/** As `shim`, and TLS to other hosts by server name. */
export interface HybridArgs extends HttpArgs {
  readonly path: "hybrid";
  /** Host name of LiteLLM's Service, fully qualified. */
  readonly litellmHost: string;
  /** Hosts that TLS is passed on to; never the upstream, which is reached by the gateway's own routes. */
  readonly allowHosts: readonly string[];
}

/** Agent's own TLS → Envoy → the host it names: the agent holds the credential. */
export interface SniArgs extends CommonArgs {
  readonly path: "envoy-sni";
  /** Hosts beside the upstream that TLS is passed on to. */
  readonly allowHosts: readonly string[];
}

/** Everything about Envoy's configuration that is no secret. */
export type EnvoyConfigArgs = TerminateArgs | ShimArgs | HybridArgs | SniArgs;

/** The paths on which agents speak HTTP to Envoy. */
export type HttpPathArgs = TerminateArgs | ShimArgs | HybridArgs;

/** An agent and the tokens that it may show; two are valid while one replaces the other. */
export interface AgentTokens {
  /** Name in the access log. */
  readonly name: string;
  /** At least one; `A-Z a-z 0-9 - . _ ~ + / =`, 16 characters or more. */
  readonly tokens: readonly string[];
}

/** What Envoy shows to the next hop. */
export interface EnvoySecrets {
  /** Who may use the gateway. */
  readonly agents: readonly AgentTokens[];
  /** `envoy-terminate`: the real credential. `shim`, `hybrid`: the token between Envoy and LiteLLM. */
  readonly credential: string;
}

/** Files of one volume, name → content. */
export type Files = Readonly<Record<string, string>>;

/** Host of the real API for these arguments. */
export function upstreamHost(args: EnvoyConfigArgs): string {
  return args.upstreamHost ?? UPSTREAM_HOST;
}
