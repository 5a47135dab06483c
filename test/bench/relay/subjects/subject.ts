/** A path from the load generator to the upstream, running and ready. */
export interface Subject {
  readonly name: SubjectName;
  /** The address for the load generator: flags of its target. */
  readonly to: readonly string[];
  /** The same for another agent, once the subject knows more than one. */
  readonly toOfOther?: readonly string[];
  /** The processes between the two ends; none for `direct`. */
  readonly pids: readonly number[];
  /** Replaces the agents by so many, one of which is the benchmark's, and waits until the subject uses them. */
  useAgents?(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** The common settings of all subjects. */
export interface Setting {
  /** Port of the upstream on loopback. */
  readonly upstreamPort: number;
  /** The authority that signed the upstream's certificate. */
  readonly caFile: string;
  /** The command that pins a path's processes to their CPU. */
  readonly pin: readonly string[];
  /** The same for the CPU of load generator and upstream. */
  readonly pinApart: readonly string[];
  /** How many CPUs the path has. */
  readonly cpus: number;
}

/** In the order of tables and plots. */
export const subjectNames = [
  "direct",
  "envoy-bare",
  "envoy-sni",
  "envoy-unmetered",
  "envoy",
  "envoy-budgets",
  "litellm",
  "shim",
  "shim-apart",
  "portkey",
] as const;

/** Path `envoy`, mode terminate, with hosts in `egress.allow`: the API, and an allowed host behind it. */
export const hostSubjectNames = [
  "envoy-1-host",
  "envoy-100-hosts",
  "host-of-1",
  "host-of-100",
] as const;

export type SubjectName = (typeof subjectNames)[number] | (typeof hostSubjectNames)[number];

/** A description of each subject for the report. */
export const subjectTitles: Readonly<Record<SubjectName, string>> = {
  direct: "no gateway: the agent connects to the API with TLS",
  "envoy-bare": "for comparison: Envoy with only one route",
  "envoy-sni": "path envoy, mode sni",
  "envoy-unmetered":
    "for comparison: path envoy, mode terminate, without the filter that counts tokens",
  envoy: "path envoy, mode terminate",
  "envoy-budgets":
    "path envoy, mode terminate, with budgets: Envoy, the rate-limit service and Redis, from which Valkey was forked",
  litellm: "path litellm (LiteLLM without Envoy)",
  shim: "path shim; hybrid sends its LLM calls over the same listeners",
  "shim-apart": "path shim with Envoy on the other CPU, as on a machine with a CPU for each pod",
  portkey: "for comparison: Portkey's gateway for Node",
  "envoy-1-host": "the API through path envoy, mode terminate, with one allowed host",
  "envoy-100-hosts": "the API through path envoy, mode terminate, with 100 allowed hosts",
  "host-of-1": "the only allowed host, its TLS passed on by name",
  "host-of-100": "the last of 100 allowed hosts, its TLS passed on by name",
};

/** Host name in the upstream's certificate. */
export const UPSTREAM_HOST = "api.anthropic.com";

/** The host that is measured among the allowed ones. The upstream's certificate contains it too. */
export const ALLOWED_HOST = "host.example.com";

/** So many hosts for `egress.allow`. The measured one is the last. */
export function allowedHosts(count: number): string[] {
  const others = Array.from({ length: count - 1 }, (_, index) => `host-${index + 1}.example.com`);
  return [...others, ALLOWED_HOST];
}

/** Name of the agent that sends the benchmark's requests. */
export const AGENT = "dev-e";

/** The credential that a client sends to a gateway, and that the gateway sends to the upstream. */
export const TOKEN = "bench-agent-token-0123456789";
export const REAL_KEY = "sk-ant-api03-bench";
