import { labelKeys, type Role } from "./labels.ts";
import { ports } from "./ports.ts";
import { publicAddresses } from "./public-addresses.ts";

type Labels = Readonly<Record<string, string>>;

interface Selector {
  readonly matchLabels: Labels;
}

/** The other side of allowed traffic: pods by label, all pods of a namespace, or addresses. */
export type Peer =
  | { readonly namespaceSelector?: Selector; readonly podSelector: Selector }
  | { readonly namespaceSelector: Selector }
  | { readonly ipBlock: { readonly cidr: string; readonly except: string[] } };

export interface PolicyPort {
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
}

/** Allowed traffic from or to some peers, by target port of the receiving pods. */
export interface Allowance {
  readonly peers: Peer[];
  readonly ports: PolicyPort[];
}

/** The spec of a NetworkPolicy. Its pods may send and receive only what it lists. */
export interface PolicySpec {
  readonly podSelector: { readonly matchLabels?: Labels };
  readonly policyTypes: string[];
  readonly ingress: { readonly from: Peer[]; readonly ports: PolicyPort[] }[];
  readonly egress: { readonly to: Peer[]; readonly ports: PolicyPort[] }[];
}

/** Denies all traffic of every pod in the namespace, unless another policy allows it. */
export function defaultDeny(): PolicySpec {
  return { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [], egress: [] };
}

/** Allows only the listed traffic for pods with these labels. */
export function policy(
  selected: Labels,
  allowed: { readonly ingress?: readonly Allowance[]; readonly egress?: readonly Allowance[] },
): PolicySpec {
  const { ingress = [], egress = [] } = allowed;
  return {
    podSelector: { matchLabels: selected },
    policyTypes: ["Ingress", "Egress"],
    ingress: ingress.map(({ peers, ports }) => ({ from: peers, ports })),
    egress: egress.map(({ peers, ports }) => ({ to: peers, ports })),
  };
}

/** Pods of the same namespace, by label. */
export function podsHere(labels: Labels): Peer {
  return { podSelector: { matchLabels: labels } };
}

/** Pods with a role in a given namespace. */
export function podsIn(namespace: string, role: Role): Peer {
  return {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    podSelector: { matchLabels: { [labelKeys.role]: role } },
  };
}

/** Pods of a namespace by label, or all of them. */
export function podsOf(namespace: string, labels?: Labels): Peer {
  return {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    ...(labels && { podSelector: { matchLabels: labels } }),
  };
}

/** The agents' pods. `agentNamespaces` are labels that every namespace of the agents has, and no other namespace. */
export function agentPods(agentNamespaces: Labels): Peer {
  return {
    namespaceSelector: { matchLabels: agentNamespaces },
    podSelector: { matchLabels: { [labelKeys.role]: "agent" } },
  };
}

/** Access to the Internet: cluster DNS, and TCP 443 of all public addresses. Envoy decides which hosts are allowed. */
export function wayOut(): Allowance[] {
  return [
    {
      peers: [
        {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
          podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
        },
      ],
      ports: bothProtocols(53),
    },
    {
      peers: [publicAddresses.v4, publicAddresses.v6].map(({ cidr, except }) => ({
        ipBlock: { cidr, except: [...except] },
      })),
      ports: tcp(ports.https),
    },
  ];
}

/** TCP ports. */
export function tcp(...numbers: number[]): PolicyPort[] {
  return numbers.map((port) => ({ protocol: "TCP", port }));
}

/** One port for both UDP and TCP, as a DNS server uses it. */
export function bothProtocols(port: number): PolicyPort[] {
  return [
    { protocol: "UDP", port },
    { protocol: "TCP", port },
  ];
}
