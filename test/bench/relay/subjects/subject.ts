/** A way from the load generator to the upstream, running and ready. */
export interface Subject {
  readonly name: SubjectName;
  /** Where the load generator sends to: flags of its target. */
  readonly to: readonly string[];
  /** The processes between the two ends; none for `direct`. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** What every subject starts from. */
export interface Setting {
  /** Of the upstream, on loopback. */
  readonly upstreamPort: number;
  /** The authority that the upstream's certificate is checked with. */
  readonly caFile: string;
  /** The command that pins a path's processes to their CPU. */
  readonly pin: readonly string[];
  /** The same for the CPU of load generator and upstream. */
  readonly pinApart: readonly string[];
  /** How many CPUs that gives it. */
  readonly cpus: number;
}

/** In the order of tables and plots. */
export const subjectNames = [
  "direct",
  "envoy-bare",
  "envoy-sni",
  "envoy",
  "litellm",
  "shim",
  "shim-apart",
  "portkey",
] as const;

export type SubjectName = (typeof subjectNames)[number];

/** What each subject is, for people. */
export const subjectTitles: Readonly<Record<SubjectName, string>> = {
  direct: "the agent's own TLS to the API",
  "envoy-bare": "peer: Envoy with one route and nothing else",
  "envoy-sni": "path envoy, mode sni",
  envoy: "path envoy, mode terminate",
  litellm: "path litellm (bare LiteLLM, as a peer and as a path)",
  shim: "path shim; hybrid sends its LLM calls over the same listeners",
  "shim-apart": "path shim with its Envoy on the other CPU, as where there is one for each pod",
  portkey: "peer: Portkey's gateway for Node",
};

/** Name in the upstream's certificate. */
export const UPSTREAM_HOST = "api.anthropic.com";

/** What a client of a gateway shows, and the gateway shows to the upstream. */
export const TOKEN = "bench-agent-token-0123456789";
export const REAL_KEY = "sk-ant-api03-bench";
