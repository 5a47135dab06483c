import type { PolicySettings } from "../../../stacks/deployment.ts";
import type { VariantName } from "../../../components/gateway/paths/index.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { Visitor } from "./visitor.ts";

/** What the attempts need to know about a deployed stack. */
export interface Surroundings {
  readonly variant: VariantName;
  /** Namespace of the agent from which attempts are made. */
  readonly agent: string;
  readonly gatewayNamespace: string;
  /** What the stack's policies depend on, besides the variant. */
  readonly settings: PolicySettings;
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
  /** Pods and Services of another owner, in a namespace that is not an agent's. */
  readonly visitor: Visitor;
}

/** What blocks an attempt. `secrets`: the secrets are in another namespace. */
export type Ring =
  "policy" | "dns" | "firewall" | "gateway" | "admission" | "pod-security" | "secrets" | "rbac";

/** A destination outside the cluster, as the outside sees it. */
export interface Arrival {
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly address: string;
  readonly port?: number;
}

interface Common {
  readonly id: string;
  readonly title: string;
  /** The rings that block it, each of them alone. */
  readonly rings: readonly [Ring, ...Ring[]];
}

/** A way out of a container to try. */
export interface Attempt extends Common {
  readonly expected: "blocked" | "refused by the gateway" | "limit";
  /** Variants on which the attempt makes sense. Default: all. */
  readonly variants?: readonly VariantName[];
  /** Why it makes no sense with the stack's settings; undefined if it does. */
  readonly unless?: (around: Surroundings) => string | undefined;
  /** Why it cannot be tried here; undefined if it can. */
  readonly skip?: (around: Surroundings) => string | undefined;
  /** Whether to try it alone, because it would block other attempts. */
  readonly alone?: true;
  /** Whose container to try it from. Default: an agent's. */
  readonly from?: "agent" | "litellm" | "visitor";
  /** The answer to set at the upstream first. The attempt is skipped if the upstream cannot be scripted. */
  readonly upstream?: (control: AnthropicControl) => Promise<unknown>;
  /**
   * Body of a Python function. It returns text if the attempt got through, and raises if it did not. `nonce` is a DNS label
   * that no earlier attempt used.
   */
  readonly python: (around: Surroundings, nonce: string) => string;
  /** Where its packets would arrive if it got out of the cluster. */
  readonly arrives?: Arrival;
  /** The gateway connects to the upstream for it, which is correct. */
  readonly relayed?: true;
  /** For a limit: why it exists. */
  readonly reason?: string;
}

/** A pod that the API server must not accept in an agent's namespace. Nothing is created. */
export interface BadPod extends Common {
  readonly expected: "blocked";
  /** Changes a correct pod into one that must be rejected. */
  readonly spoil: (pod: Pod) => void;
}

/** The fields of a pod that rows change. */
export interface Pod {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: Record<string, unknown> & {
    initContainers: Record<string, unknown>[];
    containers: Record<string, unknown>[];
    volumes: Record<string, unknown>[];
  };
}
