import type { ExtraRoute } from "../api/endpoints.ts";
import type { Variant } from "../paths/variant.ts";
import type { CredentialKind } from "../api/credentials.ts";
import { UPSTREAM_HOST } from "../api/upstream.ts";

/** Everything about Envoy's configuration that is no secret. */
export interface EnvoyConfigArgs {
  /** What Envoy listens for. */
  readonly variant: Variant;
  /** Kind of the real credential: `x-api-key`, or `Authorization: Bearer` with the OAuth beta. Unused without an HTTP listener. */
  readonly credentialKind?: CredentialKind;
  /** What is open beside the two message routes. Defaults to nothing. */
  readonly routes?: readonly ExtraRoute[];
  /** Host name of LiteLLM's Service, fully qualified: the next hop of agents' requests. Defaults to the API itself. */
  readonly litellmHost?: string;
  /** Hosts that TLS is passed on to, where the variant does that. Defaults to none. */
  readonly allowHosts?: readonly string[];
  /** Host of the real API, TCP 443. Defaults to `api.anthropic.com`. */
  readonly upstreamHost?: string;
  /** Envoy answers 503 near this much memory instead of being killed; keep it below the pod's limit. Defaults to what `limits.ts` says. */
  readonly heapLimitBytes?: number;
}

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
  /** The real credential; where LiteLLM is the next hop, the token between Envoy and LiteLLM. */
  readonly credential: string;
}

/** Files of one volume, name → content. */
export type Files = Readonly<Record<string, string>>;

/** Host of the real API for these arguments. */
export function upstreamHost(args: EnvoyConfigArgs): string {
  return args.upstreamHost ?? UPSTREAM_HOST;
}

/** Hosts that TLS is passed on to, sorted. */
export function tlsHosts({ variant, allowHosts = [] }: EnvoyConfigArgs): readonly string[] {
  return variant.tlsHosts(allowHosts);
}
