import { isIP } from "node:net";
import { agentConnections } from "../../components/kubernetes/agent-connections.ts";
import { notPublic } from "../../components/kubernetes/public-addresses.ts";

export interface NodeFirewallArgs {
  /** Address ranges of pods, IPv4 and IPv6. */
  readonly podCidrs: readonly string[];
  /** Address ranges of Services. kube-proxy replaces a Service's address by a pod's; an address left as it is has no Service. */
  readonly serviceCidrs: readonly string[];
  /** Addresses of the node's resolver; on Google Cloud 169.254.169.254. */
  readonly resolvers: readonly string[];
  /** Port of the API server on the node. */
  readonly apiPort: number;
}

/**
 * Renders the node's firewall, a file for `nft -f`. It holds even if a NetworkPolicy allows more. The node forwards
 * packets from pods only to pods, to public addresses on TCP 443 and to its resolver on port 53. On the node itself,
 * pods reach only the API server's port. The node forwards nothing for other sources, so a forged source address is
 * dropped. Each pod address may have a limited number of connections at a time to the ports that agents call. Loading
 * the file replaces its own table in one transaction and changes no other table; connection counts start again at zero.
 *
 * Both hooks run after DNAT and before masquerading: they see the pod behind a Service, and the pod's own address as the
 * source. They also run after the rules of NetworkPolicies, so the counters show what the policies let through.
 */
export function renderNodeFirewall(args: NodeFirewallArgs): string {
  const { apiPort } = args;
  if (!Number.isInteger(apiPort) || apiPort < 1 || apiPort > 65535) {
    throw new Error(`[apiPort] ${apiPort} is not a port: give a number from 1 to 65535`);
  }
  if (args.podCidrs.length === 0) {
    throw new Error("[podCidrs] is empty: give the cluster's pod ranges, e.g. 10.42.0.0/16");
  }
  const pods = byFamily("podCidrs", args.podCidrs, isCidr, "CIDR");
  const services = byFamily("serviceCidrs", args.serviceCidrs, isCidr, "CIDR");
  const resolvers = byFamily("resolvers", args.resolvers, (text) => isIP(text) !== 0, "IP address");
  return `table inet node-firewall {
}
delete table inet node-firewall

table inet node-firewall {
${set("pods4", "ipv4_addr", pods.v4)}
${set("pods6", "ipv6_addr", pods.v6)}
${set("resolvers4", "ipv4_addr", resolvers.v4)}
${set("resolvers6", "ipv6_addr", resolvers.v6)}
${set("not-public4", "ipv4_addr", [...notPublic.v4, ...pods.v4, ...services.v4])}
${set("not-public6", "ipv6_addr", [...notPublic.v6, ...pods.v6, ...services.v6])}
${dynamicSet("connections4", "ipv4_addr")}
${dynamicSet("connections6", "ipv6_addr")}
	counter connections {
	}

	counter link-local {
	}

	counter forward {
	}

	counter node {
	}

	chain forward {
		type filter hook forward priority filter + 10; policy accept;
		# Replies, and the ICMP errors that path MTU discovery needs.
		ct state established,related accept
		ct state new tcp dport { ${agentConnections.ports.join(", ")} } jump connections
		ip daddr @pods4 accept
		ip6 daddr @pods6 accept
		ip saddr @pods4 jump pods-to-outside
		ip6 saddr @pods6 jump pods-to-outside
		limit rate 10/minute log prefix "node-firewall forward: "
		counter name forward drop
	}

	# The kernel does not count closed connections, including those in TIME_WAIT.
	chain connections {
		ip saddr @pods4 ip daddr @pods4 add @connections4 { ip saddr ct count over ${agentConnections.perAddress} } goto too-many
		ip6 saddr @pods6 ip6 daddr @pods6 add @connections6 { ip6 saddr ct count over ${agentConnections.perAddress} } goto too-many
	}

	chain too-many {
		limit rate 10/minute log prefix "node-firewall connections: "
		# Reject, so that the client fails at once. A TCP reset would come from the pod's address, not the Service's.
		counter name connections reject with icmpx port-unreachable
	}

	chain pods-to-outside {
		ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 accept
		ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 accept
		# First of all the metadata server.
		ip daddr 169.254.0.0/16 counter name link-local drop
		tcp dport 443 ip daddr != @not-public4 accept
		tcp dport 443 ip6 daddr != @not-public6 accept
	}

	chain input {
		type filter hook input priority filter + 10; policy accept;
		ct state established,related accept
		# The node's own address on the pod bridge is in the pod range.
		iif lo accept
		ip saddr @pods4 jump pods-to-node
		ip6 saddr @pods6 jump pods-to-node
		# Every pod also has a link-local address, as do the routers and DHCP servers on the node's network.
		ip6 saddr fe80::/10 udp dport 546 accept
		ip6 saddr fe80::/10 jump pods-to-node
	}

	chain pods-to-node {
		tcp dport ${apiPort} accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept
		icmpv6 type { mld-listener-query, mld-listener-report, mld2-listener-report } accept
		limit rate 10/minute log prefix "node-firewall node: "
		counter name node drop
	}
}
`;
}

interface Families {
  readonly v4: string[];
  readonly v6: string[];
}

function byFamily(
  argument: string,
  values: readonly string[],
  isValid: (text: string) => boolean,
  kind: string,
): Families {
  const wrong = values.find((value) => !isValid(value));
  if (wrong !== undefined) throw new Error(`[${argument}] "${wrong}" is not a valid ${kind}`);
  const isV6 = (value: string): boolean => value.includes(":");
  return { v4: values.filter((value) => !isV6(value)), v6: values.filter(isV6) };
}

function isCidr(text: string): boolean {
  const [address = "", length = "", ...rest] = text.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
}

function set(name: string, type: string, elements: readonly string[]): string {
  const lines = elements.length === 0 ? [] : [`\t\telements = { ${elements.join(", ")} }`];
  return [
    `\tset ${name} {`,
    `\t\ttype ${type}`,
    "\t\tflags interval",
    "\t\tauto-merge",
    ...lines,
    "\t}\n",
  ].join("\n");
}

/** A set that rules fill: an element is removed when its last connection ends. */
function dynamicSet(name: string, type: string): string {
  return [
    `\tset ${name} {`,
    `\t\ttype ${type}`,
    "\t\tsize 65535",
    "\t\tflags dynamic",
    "\t}\n",
  ].join("\n");
}
