import type { ExtraRoute } from "../api/endpoints.ts";
import { upstreamOf, type Variant } from "../paths/variant.ts";
import type { CredentialKind } from "../api/credentials.ts";
import type { Collector } from "../../usage/telemetry/collector.ts";
import type { PriceTable } from "../../usage/prices/table.ts";
import type { BudgetsArgs } from "./budgets.ts";
import type { ServerFetch } from "./server-fetch.ts";

/** Everything that Envoy's configuration depends on, except secrets. */
export interface EnvoyConfigArgs {
  /** Decides which listeners Envoy has, and which provider's API is the upstream. */
  readonly variant: Variant;
  /** Kind of the real credential: it decides the header, and the file that Envoy reads. Unused without an HTTP listener. */
  readonly credentialKind?: CredentialKind;
  /** Optional routes that are open besides the two message routes. Defaults to none. */
  readonly routes?: readonly ExtraRoute[];
  /** Host name of LiteLLM's Service, fully qualified: the next hop of agents' requests. Defaults to the API itself. */
  readonly litellmHost?: string;
  /** Hosts to which Envoy passes TLS on, where the variant does that. Defaults to none. */
  readonly allowHosts?: readonly string[];
  /** Whether agents may make the API's servers fetch something. Defaults to `allow`. */
  readonly serverFetch?: ServerFetch | undefined;
  /** Prices of the models that the meter counts. Defaults to the list prices. */
  readonly prices?: PriceTable;
  /** Host of the real API, TCP 443. Defaults to the provider's. */
  readonly upstreamHost?: string;
  /** What agents may spend, on a metered variant. Defaults to no limit. */
  readonly budgets?: BudgetsArgs | undefined;
  /** Whether Envoy writes a line for each request of an agent to the record. Defaults to false. */
  readonly record?: boolean;
  /** Envoy answers 503 near this much memory instead of being killed; keep it below the pod's limit. Defaults to what `limits.ts` says. */
  readonly heapLimitBytes?: number;
  /** The OTLP receiver of the records of requests and of agents' telemetry. Defaults to none. */
  readonly otlp?: OtlpArgs;
}

/** An OTLP receiver as Envoy calls it. */
export interface OtlpArgs extends Collector {
  /** Names of the headers that it wants. The values are secrets, see {@link EnvoySecrets}. */
  readonly headerNames: readonly string[];
}

/** An agent and its valid tokens: two during a rotation, else one. */
export interface AgentTokens {
  /** Name in the access log. */
  readonly name: string;
  /** At least one; `A-Z a-z 0-9 - . _ ~ + / =`, 16 characters or more. */
  readonly tokens: readonly string[];
}

/** What Envoy and the LiteLLM behind it show each other. */
export interface LiteLlmSecrets {
  /** Envoy's token for LiteLLM. */
  readonly token: string;
  /** LiteLLM's key: Envoy relays only requests that show it, and replaces it by the real credential. */
  readonly placeholder: string;
}

/** The secrets in Envoy's configuration. */
export interface EnvoySecrets {
  /** Who may use the gateway. */
  readonly agents: readonly AgentTokens[];
  /** The real credential, if the config stores it. Only requests to the API get it. */
  readonly credential?: string | undefined;
  /** What Envoy and LiteLLM show each other, where LiteLLM is the next hop. */
  readonly litellm?: LiteLlmSecrets | undefined;
  /** Values of the headers for the OTLP receiver, by name. Defaults to none. */
  readonly otlpHeaders?: Readonly<Record<string, string>>;
}

/** Files of one volume, name → content. */
export type Files = Readonly<Record<string, string>>;

/** Host of the real API. */
export function upstreamHost(args: EnvoyConfigArgs): string {
  return args.upstreamHost ?? upstreamOf(args.variant).host;
}

/** Hosts to which Envoy passes TLS on, sorted. */
export function tlsHosts({ variant, allowHosts = [] }: EnvoyConfigArgs): readonly string[] {
  return variant.tlsHosts(allowHosts);
}
