import type { z } from "zod";
import { ports } from "../../kubernetes/ports.ts";
import type { CredentialKind } from "../api/credentials.ts";
import { anthropicApi, DEFAULT_PROVIDER, type ProviderName } from "../providers/index.ts";
import type { Provider, ProviderSettings, Upstream } from "../providers/provider.ts";

/** A listener of Envoy: `agents` takes agents' HTTP, `egress` takes LiteLLM's requests to the upstream, `sni` passes TLS on. */
export type ListenerName = "agents" | "egress" | "sni";

/** The result that a check is expected to have on a variant, if it is not `pass`. */
export type Deviation =
  | {
      /** `by-design`: the gateway changes this on purpose, and nothing that a client needs is lost. */
      readonly status: "known-loss" | "by-design";
      /** The loss that the check must report. Another loss is a failure. */
      readonly loss: string;
      readonly reason: string;
    }
  | { readonly status: "not-applicable"; readonly reason: string };

/**
 * One way to the API that a stack can deploy, and everything that depends on it. It is a value of `gateway.path`,
 * together with a mode if the path has several. Schema, policies, renderers, tables and tests read it.
 */
export interface Variant {
  /** Name in reports, and part of the names of deployed resources. */
  readonly name: string;
  /** Value of `gateway.path`. */
  readonly path: string;
  /** Value of `gateway.mode`, if the path has several variants. The first variant in the list is the default. */
  readonly mode?: { readonly name: string; readonly description: string };
  /** Name in tables for people. */
  readonly title: string;
  /** The hops of a request, for people. */
  readonly chain: string;
  /** Who holds the real credential, and nobody else. `credential.holder` must fit, see {@link holderInConfig}. */
  readonly holder: "litellm" | "envoy" | "agent";
  /** Kinds of the credential that it can carry, whatever the provider. */
  readonly credentials: readonly CredentialKind[];
  /** Providers that it can reach, the default one first. Default: only that one. */
  readonly providers?: readonly ProviderName[];
  /** The provider's API that it reaches. Default: Anthropic's; see {@link onProvider}. */
  readonly upstream?: Upstream;
  /** Who calls LiteLLM. Without a value LiteLLM is not deployed. */
  readonly litellm?: "called-by-agents" | "behind-envoy";
  /** Envoy's listeners. If the list is empty, Envoy is not deployed. `sni` exists only if there are hosts, see {@link listenersWith}. */
  readonly listeners: readonly ListenerName[];
  /** Hosts that agents reach by TLS through Envoy, for a given `egress.allow`. Sorted, without duplicates. */
  readonly tlsHosts: (allow: readonly string[]) => string[];
  /** Base URL for `ANTHROPIC_BASE_URL`; `gatewayHost` is the host name of the Service `gateway`. */
  readonly baseUrl: (gatewayHost: string) => string;
  /** Settings under `gateway` in addition to those of every path. */
  readonly settings: Readonly<Record<string, z.ZodType>>;
  /** Whether agents can use other providers: the answer of the decision table where the provider is the default one. */
  readonly portability: string;
  /** Expected results of checks, by check or by theme. Every other check is expected to pass. */
  readonly deviations: Readonly<Record<string, Deviation>>;
}

/** The providers that a variant can reach. */
export function providersOf({ providers }: Variant): readonly ProviderName[] {
  return providers ?? [DEFAULT_PROVIDER];
}

/** Kinds of the credential that a variant can carry to a provider. */
export function credentialsFor(variant: Variant, provider: Provider): readonly CredentialKind[] {
  return variant.credentials.filter((kind) => provider.credentials.includes(kind));
}

/** The provider's API that a variant reaches. */
export function upstreamOf({ upstream }: Variant): Upstream {
  return upstream ?? anthropicApi;
}

/**
 * A variant whose upstream is a provider's API. Its name has the provider's, unless that is the default one: so a change
 * of the provider is a change of the path, where the old pods drain beside the new ones.
 */
export function onProvider(
  variant: Variant,
  provider: Provider,
  settings: ProviderSettings,
): Variant {
  if (provider.name === DEFAULT_PROVIDER) return variant;
  const upstream = provider.upstream(settings);
  return {
    ...variant,
    name: `${variant.name}-${provider.name}`,
    chain: variant.chain.replace(/API$/, provider.title),
    upstream,
    baseUrl: (gatewayHost) =>
      `http://${gatewayHost}:${ports.agents}${upstream.prefix}${upstream.basePath}`,
  };
}

/** Whether agents speak HTTP to the gateway. */
export function servesHttp(variant: Variant): boolean {
  return variant.litellm === "called-by-agents" || variant.listeners.includes("agents");
}

/** Inspected hosts are a part of the listener that passes TLS on, and agents' tokens are checked only where they exist. */
export function canInspect(variant: Variant): boolean {
  return variant.listeners.includes("sni") && servesHttp(variant);
}

/** Whether Envoy sees the answers that agents get, so that it can count their tokens and enforce budgets. */
export function isMetered({ listeners }: Variant): boolean {
  return listeners.includes("agents");
}

/**
 * The listeners that Envoy has for a given `egress.allow`: without hosts, none that passes TLS on. So a stack that lists no
 * hosts has no port for them either.
 */
export function listenersWith(variant: Variant, allow: readonly string[]): readonly ListenerName[] {
  return variant.tlsHosts(allow).length > 0
    ? variant.listeners
    : variant.listeners.filter((name) => name !== "sni");
}

/** Target ports of the gateway's pods that agents use. `listeners`: those that Envoy has. Default all of the variant. */
export function agentPorts(
  { litellm, listeners: all }: Variant,
  listeners: readonly ListenerName[] = all,
): number[] {
  if (litellm === "called-by-agents") return [ports.litellm];
  return [
    ...(listeners.includes("agents") ? [ports.agents] : []),
    ...(listeners.includes("sni") ? [ports.sni] : []),
  ];
}

/** `credential.holder` where this is the variant. */
export function holderInConfig({ holder }: Variant): "gateway" | "agent" {
  return holder === "agent" ? "agent" : "gateway";
}

/** A variant as messages name it: `envoy in mode sni`. */
export function inConfig({ path, mode }: Variant): string {
  return mode === undefined ? path : `${path} in mode ${mode.name}`;
}

/** {@link Variant.tlsHosts} of a variant that passes no TLS on. */
export function noHosts(): string[] {
  return [];
}

/** Hosts sorted, without duplicates. */
export function sortedHosts(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].sort();
}
