import type { z } from "zod";
import { ports } from "../../kubernetes/ports.ts";

/** A listener of Envoy: `agents` takes HTTP, `egress` is LiteLLM's way to the upstream, `sni` passes TLS on by name. */
export type ListenerName = "agents" | "egress" | "sni";

/** What a check of the verdict is expected to find on a variant where that is not `pass`. */
export type Deviation =
  | {
      readonly status: "known-loss";
      /** The loss that the check names; another one fails. */
      readonly loss: string;
      readonly reason: string;
    }
  | { readonly status: "not-applicable"; readonly reason: string };

/**
 * One way to the API that a stack can deploy, and everything that follows from the choice: a value of
 * `gateway.path`, with a mode where the path has several. Schema, policies, renderers, tables and tests read it.
 */
export interface Variant {
  /** Name in reports and in the names of what is deployed. */
  readonly name: string;
  /** Value of `gateway.path`. */
  readonly path: string;
  /** Value of `gateway.mode`, where the path has several variants. The first one in the list is the default. */
  readonly mode?: { readonly name: string; readonly description: string };
  /** Name in tables for people. */
  readonly title: string;
  /** What a request passes through. */
  readonly chain: string;
  /** Who holds the real credential; `credential.holder` has to say the same. */
  readonly holder: "gateway" | "agent";
  /** Where LiteLLM is, if it is deployed at all. */
  readonly litellm?: "called-by-agents" | "behind-envoy";
  /** Envoy's listeners; without one, Envoy is not deployed. */
  readonly listeners: readonly ListenerName[];
  /** Hosts that agents reach by TLS through Envoy, for a given `egress.allow`: sorted, each once. */
  readonly tlsHosts: (allow: readonly string[]) => string[];
  /** Base URL for `ANTHROPIC_BASE_URL`; `gatewayHost` is the host name of the Service `gateway`. */
  readonly baseUrl: (gatewayHost: string) => string;
  /** Settings under `gateway` beside those of every path. */
  readonly settings: Readonly<Record<string, z.ZodType>>;
  /** Answers in the decision table that no check gives. */
  readonly decision: {
    readonly costCeiling: string;
    readonly portability: string;
    readonly observability: string;
  };
  /** What the verdict's checks are expected to find, by check or by theme; `pass` where nothing is listed. */
  readonly deviations: Readonly<Record<string, Deviation>>;
}

/** Whether agents speak HTTP to the gateway. */
export function servesHttp(variant: Variant): boolean {
  return variant.litellm === "called-by-agents" || variant.listeners.includes("agents");
}

/** Target ports of the gateway's pods that agents use. */
export function agentPorts({ litellm, listeners }: Variant): number[] {
  if (litellm === "called-by-agents") return [ports.litellm];
  return [
    ...(listeners.includes("agents") ? [ports.agents] : []),
    ...(listeners.includes("sni") ? [ports.sni] : []),
  ];
}

/** A variant as a person sets it: `envoy in mode sni`. */
export function inConfig({ path, mode }: Variant): string {
  return mode === undefined ? path : `${path} in mode ${mode.name}`;
}

/** {@link Variant.tlsHosts} of a variant that passes no TLS on. */
export function noHosts(): string[] {
  return [];
}

/** Hosts sorted, each once. */
export function sortedHosts(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].sort();
}
