import { ports } from "../gateway/envoy/ports.ts";
import { type GatewayVariant, gatewayVariants, routesBySni } from "../gateway/variant.ts";
import { labelKeys, pathLabels, type Role } from "../labels.ts";
import { DNS_PORT } from "./dns/corefile.ts";
import { probePorts } from "./gate/gate.ts";
import { publicAddresses } from "./public-addresses.ts";

type Labels = Readonly<Record<string, string>>;

interface Selector {
  readonly matchLabels: Labels;
}

/** One side of what a policy allows: pods by label, or addresses. */
type Peer =
  | { readonly namespaceSelector?: Selector; readonly podSelector: Selector }
  | { readonly ipBlock: { readonly cidr: string; readonly except: string[] } };

interface Port {
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
}

/** What may come in from some peers or go out to some, by target port of the pods. */
interface Allowance {
  readonly peers: Peer[];
  readonly ports: Port[];
}

/** The spec of a NetworkPolicy that lets its pods do nothing but what it lists. */
export interface PolicySpec {
  readonly podSelector: { readonly matchLabels?: Labels };
  readonly policyTypes: string[];
  readonly ingress: { readonly from: Peer[]; readonly ports: Port[] }[];
  readonly egress: { readonly to: Peer[]; readonly ports: Port[] }[];
}

/** Every pod of the namespace, both ways: what no other policy allows is closed. */
export function defaultDeny(): PolicySpec {
  return { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [], egress: [] };
}

/** Agents: to the gateway's pods, their DNS and the gate's open port; nothing comes in. */
export function agentPolicy(args: { readonly gatewayNamespace: string }): PolicySpec {
  const inGateway = (role: Role): Peer => ({
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": args.gatewayNamespace } },
    podSelector: { matchLabels: { [labelKeys.role]: role } },
  });
  return policy(
    { [labelKeys.role]: "agent" },
    {
      egress: [
        // The ports of every path, so that a toggle finds its way open; the paths' own policies close the others.
        {
          peers: [inGateway("gateway")],
          ports: tcp(...new Set(gatewayVariants.flatMap(agentPorts))),
        },
        { peers: [inGateway("dns")], ports: bothProtocols(DNS_PORT) },
        { peers: [inGateway("probe")], ports: tcp(probePorts.open) },
      ],
    },
  );
}

/** What the policies of a path's pods need to know. */
export interface PathPolicyArgs {
  readonly variant: GatewayVariant;
  /** Labels that every namespace of the stack's agents has. */
  readonly agentNamespaces: Labels;
}

/** Envoy: agents come in; it is the only pod of its path with a way out. */
export function envoyPolicy(args: PathPolicyArgs): PolicySpec {
  const { variant } = args;
  const litellm = pods("litellm", variant);
  const hasLiteLlm = variant === "shim" || variant === "hybrid";
  return policy(pathLabels("gateway", variant), {
    ingress: [
      { peers: [agents(args)], ports: tcp(...agentPorts(variant)) },
      ...(hasLiteLlm ? [{ peers: [litellm], ports: tcp(ports.egress) }] : []),
    ],
    egress: [...wayOut(), ...(hasLiteLlm ? [{ peers: [litellm], ports: tcp(ports.litellm) }] : [])],
  });
}

/** LiteLLM where agents call it themselves: it has the way out. */
export function bareLiteLlmPolicy(args: PathPolicyArgs): PolicySpec {
  return policy(pathLabels("gateway", args.variant), {
    ingress: [{ peers: [agents(args)], ports: tcp(...agentPorts(args.variant)) }],
    egress: wayOut(),
  });
}

/** LiteLLM between two listeners of Envoy: it knows Envoy alone, and resolves no names. */
export function shimmedLiteLlmPolicy({ variant }: Pick<PathPolicyArgs, "variant">): PolicySpec {
  const envoy = pods("gateway", variant);
  return policy(pathLabels("litellm", variant), {
    ingress: [{ peers: [envoy], ports: tcp(ports.litellm) }],
    egress: [{ peers: [envoy], ports: tcp(ports.egress) }],
  });
}

/** The agents' DNS: it is asked, and asks nobody. */
export function dnsPolicy(args: Pick<PathPolicyArgs, "agentNamespaces">): PolicySpec {
  return policy(
    { [labelKeys.role]: "dns" },
    { ingress: [{ peers: [agents(args)], ports: bothProtocols(DNS_PORT) }] },
  );
}

/** The gate's counterpart. Both ports are open on this side: that `shut` is not reached is the agents' policy alone. */
export function probePolicy(args: Pick<PathPolicyArgs, "agentNamespaces">): PolicySpec {
  return policy(
    { [labelKeys.role]: "probe" },
    { ingress: [{ peers: [agents(args)], ports: tcp(probePorts.open, probePorts.shut) }] },
  );
}

/** Target ports of a path's pods that agents use. */
export function agentPorts(variant: GatewayVariant): number[] {
  if (variant === "litellm") return [ports.litellm];
  return [
    ...(variant === "envoy-sni" ? [] : [ports.agents]),
    ...(routesBySni(variant) ? [ports.sni] : []),
  ];
}

/** Cluster DNS, and TCP 443 of public addresses: which host that may be is Envoy's to decide, not an address list's. */
function wayOut(): Allowance[] {
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

function agents({ agentNamespaces }: Pick<PathPolicyArgs, "agentNamespaces">): Peer {
  return {
    namespaceSelector: { matchLabels: agentNamespaces },
    podSelector: { matchLabels: { [labelKeys.role]: "agent" } },
  };
}

function pods(role: Role, variant: GatewayVariant) {
  return { podSelector: { matchLabels: pathLabels(role, variant) } };
}

function policy(
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

function tcp(...numbers: number[]): Port[] {
  return numbers.map((port) => ({ protocol: "TCP", port }));
}

function bothProtocols(port: number): Port[] {
  return [
    { protocol: "UDP", port },
    { protocol: "TCP", port },
  ];
}
