/** Addresses, names and rules of the lab's two network namespaces. Renders text from values; runs nothing. */

/** The node's address on the link to `internet`, and its gateway. */
export const NODE = { v4: "10.90.0.2", v6: "fd90::2" } as const;
/** The other end of that link. */
export const GATEWAY = { v4: "10.90.0.1", v6: "fd90::1" } as const;
/** k3s's default ranges, plus IPv6 ranges. */
export const PODS = { v4: "10.42.0.0/16", v6: "fd42::/56" } as const;
/** The part of `PODS` that the cluster's only node has. */
export const NODE_PODS = { v4: "10.42.0.0/24", v6: "fd42::/64" } as const;
export const SERVICES = { v4: "10.43.0.0/16", v6: "fd43::/112" } as const;
export const CLUSTER_DNS = "10.43.0.10";
/** The API server's port on the node. */
export const API_PORT = 6443;
export const CLUSTER_DOMAIN = "cluster.local";

/** Address of Google Cloud's resolver (port 53) and metadata server (port 80). */
export const METADATA = "169.254.169.254";
/** Resolvers that pods must not use. They answer any query that reaches them. */
export const FOREIGN_RESOLVERS = ["8.8.8.8", "1.1.1.1"] as const;

/** All host names that resolve outside the cluster, with their addresses in `internet`. */
export const INTERNET_HOSTS: Readonly<Record<string, string>> = {
  "api.anthropic.com": "160.79.104.10",
  "github.com": "140.82.112.3",
  "api.github.com": "140.82.112.5",
  "uploads.github.com": "140.82.112.14",
  "codeload.github.com": "140.82.112.9",
  "lfs.github.com": "140.82.112.18",
  "release-assets.githubusercontent.com": "185.199.108.133",
  "github-cloud.githubusercontent.com": "185.199.108.154",
  "github-cloud.s3.amazonaws.com": "52.216.8.11",
  "npm.pkg.github.com": "104.16.0.35",
  "otlp.example.com": "93.184.215.14",
  "us-east5-aiplatform.googleapis.com": "142.250.31.95",
  "sts.googleapis.com": "142.250.31.95",
  "iamcredentials.googleapis.com": "142.250.31.95",
  "bedrock-runtime.us-east-1.amazonaws.com": "3.218.180.106",
  "secretmanager.googleapis.com": "142.250.31.102",
  "europe-west1-docker.pkg.dev": "142.250.31.82",
  "images.example.com": "203.0.113.20",
  "metadata.google.internal": METADATA,
  "unlisted.example": "203.0.113.10",
  "unlisted6.example": "2606:4700:4700::1111",
  // A private address beyond the node, which no pod may reach.
  "unique-local.example": "fd5e:1::10",
};

/** Input of `ip -batch` for the node's namespace. */
export function nodeLinks(): string {
  return lines(
    "link set lo up",
    "link add eth0 type veth peer name node netns internet",
    `addr add ${NODE.v4}/24 dev eth0`,
    `addr add ${NODE.v6}/64 dev eth0 nodad`,
    "link set eth0 up",
    `route add default via ${GATEWAY.v4}`,
    // The other end is not up yet, so the kernel does not know that this neighbor is on the link.
    `route add default via ${GATEWAY.v6} dev eth0 onlink`,
  );
}

/** Input of `ip -batch` for the namespace `internet`, run after the node's. */
export function internetLinks(): string {
  const addresses = new Set([...Object.values(INTERNET_HOSTS), ...FOREIGN_RESOLVERS]);
  return lines(
    "link set lo up",
    `addr add ${GATEWAY.v4}/24 dev node`,
    `addr add ${GATEWAY.v6}/64 dev node nodad`,
    "link set node up",
    ...[...addresses].map((address) =>
      address.includes(":")
        ? `addr add ${address}/128 dev lo nodad`
        : `addr add ${address}/32 dev lo`,
    ),
  );
}

/** Kernel settings of the node's namespace: it forwards packets for pods, and firewall rules see bridged packets. */
export const NODE_SYSCTLS: readonly string[] = [
  "net/ipv4/ip_forward=1",
  "net/ipv6/conf/all/forwarding=1",
  "net/bridge/bridge-nf-call-iptables=1",
  "net/bridge/bridge-nf-call-ip6tables=1",
];

/** Packets that leave the pod range get the node's address, as with flannel in k3s. */
export function masqueradeRules(): string {
  return `table inet pod-masquerade {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${PODS.v4} ip daddr != { ${PODS.v4}, 224.0.0.0/4 } masquerade
    ip6 saddr ${PODS.v6} ip6 daddr != { ${PODS.v6}, ff00::/8 } masquerade
  }
}
`;
}

/** CNI configuration: one bridge, with the name that k3s uses. */
export function cniConfig(): string {
  return JSON.stringify({
    cniVersion: "1.0.0",
    name: "cbr0",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isDefaultGateway: true,
        hairpinMode: true,
        ipMasq: false,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: NODE_PODS.v4 }], [{ subnet: NODE_PODS.v6 }]],
        },
      },
    ],
  });
}

/** The root zone in `internet`: the hosts above, and NXDOMAIN for every other name. */
export function rootZone(): string {
  return lines(
    "$ORIGIN .",
    "$TTL 60",
    "@ IN SOA resolver. hostmaster. 1 3600 600 86400 60",
    "@ IN NS resolver.",
    `resolver. IN A ${METADATA}`,
    ...Object.entries(INTERNET_HOSTS).map(
      ([name, address]) => `${name}. IN ${address.includes(":") ? "AAAA" : "A"} ${address}`,
    ),
  );
}

/** Corefile of the resolver in `internet`, which serves `zoneFile` on the metadata address and the foreign addresses. */
export function resolverCorefile(zoneFile: string): string {
  return `.:53 {
  bind ${METADATA} ${FOREIGN_RESOLVERS.join(" ")}
  file ${zoneFile} .
  log . "{local} {remote} {type} {name} {rcode}"
  errors
}
`;
}

function lines(...text: string[]): string {
  return text.join("\n") + "\n";
}
