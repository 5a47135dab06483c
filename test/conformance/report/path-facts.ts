import type { Subject } from "../subject/subject.ts";

/** What is true of a path by its design, for the decision table; everything measured is left out. */
export interface PathFacts {
  readonly name: string;
  /** What a request passes through. */
  readonly chain: string;
  readonly throughLiteLlm: boolean;
  /** Whether the agent holds the real credential. */
  readonly agentHoldsCredential: boolean;
  readonly costCeiling: string;
  readonly portability: string;
  readonly observability: string;
}

const NO_BUDGETS = "Not yet: LiteLLM's budgets need a database, which is not deployed.";
const NO_TOKENS_COUNTED = "No: Envoy sees requests and bytes, not what they cost.";
const PORTABLE = "Within reach: LiteLLM is in the path; its routes to other providers are closed.";
const ANTHROPIC_ONLY = "No: The agents' API is Anthropic's, passed on as it is.";
const SPEND_CALLBACKS =
  "Partly: LiteLLM counts tokens and cost of every request for callbacks, of which none is configured; its log names requests only.";
const ACCESS_LOG =
  "Partly: A log line a request with agent, status, bytes and duration, and statistics for Prometheus; no tokens.";

export const pathFacts: Readonly<Record<Subject["path"], PathFacts>> = {
  litellm: {
    name: "LiteLLM",
    chain: "agent → LiteLLM → API",
    throughLiteLlm: true,
    agentHoldsCredential: false,
    costCeiling: NO_BUDGETS,
    portability: PORTABLE,
    observability: SPEND_CALLBACKS,
  },
  shim: {
    name: "Shim",
    chain: "agent → Envoy → LiteLLM → Envoy → API",
    throughLiteLlm: true,
    agentHoldsCredential: false,
    costCeiling: NO_BUDGETS,
    portability: PORTABLE,
    observability: `${SPEND_CALLBACKS} Envoy logs which agent asked.`,
  },
  "envoy-terminate": {
    name: "Envoy",
    chain: "agent → Envoy → API",
    throughLiteLlm: false,
    agentHoldsCredential: false,
    costCeiling: NO_TOKENS_COUNTED,
    portability: ANTHROPIC_ONLY,
    observability: ACCESS_LOG,
  },
  "envoy-sni": {
    name: "Envoy by SNI",
    chain: "agent → Envoy, TLS untouched → API",
    throughLiteLlm: false,
    agentHoldsCredential: true,
    costCeiling: "No: Envoy sees encrypted bytes.",
    portability: ANTHROPIC_ONLY,
    observability: "Little: Connections and bytes a host name.",
  },
  hybrid: {
    name: "Hybrid",
    chain: "as Shim; other hosts: agent → Envoy, TLS untouched → host",
    throughLiteLlm: true,
    agentHoldsCredential: false,
    costCeiling: NO_BUDGETS,
    portability: PORTABLE,
    observability: `${SPEND_CALLBACKS} Envoy logs which agent asked, and connections to other hosts.`,
  },
  external: {
    name: "External gateway",
    chain: "agent → gateway → API",
    throughLiteLlm: false,
    agentHoldsCredential: false,
    costCeiling: "Unknown: not ours.",
    portability: "Unknown: not ours.",
    observability: "Unknown: not ours.",
  },
};
