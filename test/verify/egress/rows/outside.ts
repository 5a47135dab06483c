import { INTERNET_HOSTS } from "../../../lab/cluster/network.ts";
import { type Arrival, type Attempt, type Ring } from "../attempt.ts";

/** Public addresses that are not on any allowlist. */
const V4 = "1.1.1.1";
const V6 = "2606:4700:4700::1111";
const GITHUB = "140.82.112.3";
const PACKAGES = "104.16.0.35";
/** Google Cloud's metadata server. */
const METADATA = "169.254.169.254";
const METADATA_V6 = "fd20:ce::254";
/** A private address, of a VPC or of another private network. */
const UNIQUE_LOCAL = INTERNET_HOSTS["unique-local.example"] ?? "";

/** A direct connection to an address outside. */
function direct(
  id: string,
  title: string,
  rings: readonly [Ring, ...Ring[]],
  arrival: Arrival & { readonly port: number },
  python = `return reached("${arrival.address}", ${arrival.port})`,
): Attempt {
  return {
    ...{ id, title, expected: "blocked", rings, python: () => python, arrives: arrival },
    ...(arrival.address.includes(":") && {
      skip: ({ ipv6 }) => (ipv6 ? undefined : "the cluster's pods have no IPv6 address"),
    }),
  };
}

const tcp = (address: string, port: number) => ({ protocol: "tcp", address, port }) as const;
const udp = (address: string, port: number) => ({ protocol: "udp", address, port }) as const;

/** Destinations outside the cluster, by address, so without DNS. */
export const outside: readonly Attempt[] = [
  direct("direct.ipv4", "a public IPv4 address", ["policy"], tcp(V4, 443)),
  direct("direct.ipv6", "a public IPv6 address", ["policy"], tcp(V6, 443)),
  direct("direct.upstream", "the API's own address", ["policy"], tcp("160.79.104.10", 443)),
  direct(
    "direct.foreign-ip",
    "an allowlisted server name at another host's address",
    ["policy"],
    tcp(GITHUB, 443),
    `tls("${GITHUB}", 443, "github.com"); return "TLS"`,
  ),
  direct(
    "direct.connect-to",
    "curl --connect-to, to an address",
    ["policy"],
    tcp(PACKAGES, 443),
    `return curl("--connect-to", "::${PACKAGES}:443", "https://github.com/")`,
  ),
  direct(
    "proxy.environment",
    "HTTPS_PROXY set to an address outside",
    ["policy"],
    tcp(V4, 443),
    `return curl("https://github.com/", env={"HTTPS_PROXY": "http://${V4}:443", "NO_PROXY": ""})`,
  ),
  direct(
    "proxy.none",
    "NO_PROXY for everything, directly to an address",
    ["policy"],
    tcp(GITHUB, 443),
    `return curl("https://${GITHUB}/", env={"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*"})`,
  ),
  direct("doh", "DNS over HTTPS", ["policy"], tcp("8.8.8.8", 443)),
  direct("dot", "DNS over TLS", ["policy", "firewall"], tcp(V4, 853)),
  direct("ssh", "SSH", ["policy", "firewall"], tcp(GITHUB, 22)),
  direct("http", "plain HTTP", ["policy", "firewall"], tcp(V4, 80)),
  direct(
    "udp-443",
    "UDP 443, as QUIC",
    ["policy", "firewall"],
    udp(V4, 443),
    `udp("${V4}", 443, b"x" * 1200); return "answered"`,
  ),
  direct(
    "dns.foreign-udp",
    "a foreign resolver over UDP",
    ["policy", "firewall"],
    udp("8.8.8.8", 53),
    `return resolve_udp("8.8.8.8", "github.com")`,
  ),
  direct(
    "dns.foreign-tcp",
    "a foreign resolver over TCP",
    ["policy", "firewall"],
    tcp("8.8.8.8", 53),
    `return resolve_tcp("8.8.8.8", "github.com")`,
  ),
  {
    id: "dns.node",
    title: "a look-up that carries data, at the node's own resolver",
    expected: "blocked",
    rings: ["policy"],
    python: (_, nonce) =>
      `udp("${METADATA}", 53, question("${nonce}.unlisted.example")); return "answered"`,
  },
  direct(
    "metadata.ip",
    "the metadata server by address",
    ["policy", "firewall"],
    tcp(METADATA, 80),
    `return expect_ok(http_status("${METADATA}", 80, "GET", "/computeMetadata/v1/", {"Metadata-Flavor": "Google"}))`,
  ),
  direct(
    "metadata.ipv6",
    "the metadata server by its IPv6 address",
    ["policy", "firewall"],
    tcp(METADATA_V6, 80),
  ),
  direct(
    "metadata.tls",
    "the metadata server, port 443",
    ["policy", "firewall"],
    tcp(METADATA, 443),
  ),
  direct(
    "unique-local",
    "a unique local IPv6 address, port 443",
    ["policy", "firewall"],
    tcp(UNIQUE_LOCAL, 443),
  ),
  direct("link-local", "a link-local address", ["policy", "firewall"], tcp("169.254.1.1", 80)),
  {
    id: "icmp",
    title: "ICMP echo",
    expected: "blocked",
    rings: ["firewall"],
    arrives: { protocol: "icmp", address: V4 },
    python: () => `return ping("${V4}")`,
  },
];
