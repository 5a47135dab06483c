import type { VariantName } from "../../../components/gateway/paths/index.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { Visitor } from "./visitor.ts";

/** What the attempts need to know of a deployed stack. */
export interface Surroundings {
  readonly variant: VariantName;
  /** Namespace of the agent that attempts are made from. */
  readonly agent: string;
  readonly gatewayNamespace: string;
  /** Address of the Service `gateway`. */
  readonly gatewayAddress: string;
  /** Addresses of the gateway namespace's pods, by role. */
  readonly pods: Readonly<Record<string, string>>;
  /** Address of the agents' DNS. */
  readonly dnsAddress: string;
  readonly clusterDns: string;
  readonly apiServerAddress: string;
  readonly nodeAddress: string;
  /** Whether agents' pods have an IPv6 address. */
  readonly ipv6: boolean;
  /** What somebody else deployed, in a namespace that is no agent's. */
  readonly visitor: Visitor;
}

/** What holds an attempt back; `secrets` is that they are kept in another namespace. */
export type Ring =
  "policy" | "dns" | "firewall" | "gateway" | "admission" | "pod-security" | "secrets" | "rbac";

/** A destination outside the cluster, as the far side sees it. */
export interface Arrival {
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly address: string;
  readonly port?: number;
}

interface Common {
  readonly id: string;
  readonly title: string;
  /** Rings that hold it, each of them alone. */
  readonly rings: readonly [Ring, ...Ring[]];
}

/** A way out, tried from inside a container. */
export interface Attempt extends Common {
  readonly expected: "blocked" | "refused by the gateway" | "limit";
  /** Variants that the attempt makes sense on. Default every one. */
  readonly variants?: readonly VariantName[];
  /** Why it cannot be tried here; undefined when it can. */
  readonly skip?: (around: Surroundings) => string | undefined;
  /** Tried while nothing else is, because it would keep others from getting through. */
  readonly alone?: true;
  /** Whose container it is tried from. Default an agent's. */
  readonly from?: "agent" | "litellm" | "visitor";
  /** What the upstream is told to answer before; the attempt is skipped where the upstream takes no orders. */
  readonly upstream?: (control: AnthropicControl) => Promise<unknown>;
  /**
   * Body of a Python function; it returns text when it got through, and raises when it did not. `nonce` is a DNS
   * label that no earlier attempt had.
   */
  readonly python: (around: Surroundings, nonce: string) => string;
  /** Where packets would arrive if it got out of the cluster. */
  readonly arrives?: Arrival;
  /** The gateway rightly connects to the upstream for it. */
  readonly relayed?: true;
  /** For a limit: why it is one. */
  readonly reason?: string;
}

/** A pod that must not be let into an agent's namespace; nothing is created. */
export interface BadPod extends Common {
  readonly expected: "blocked";
  /** Changes a pod that would be let in. */
  readonly spoil: (pod: Pod) => void;
}

/** A pod as far as rows change it. */
export interface Pod {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: Record<string, unknown> & {
    initContainers: Record<string, unknown>[];
    containers: Record<string, unknown>[];
    volumes: Record<string, unknown>[];
  };
}
