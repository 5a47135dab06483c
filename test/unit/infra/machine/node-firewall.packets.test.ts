import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentConnections } from "../../../../components/kubernetes/agent-connections.ts";
import { renderNodeFirewall } from "../../../../infra/machine/node-firewall.ts";
import { type Namespace, openNamespace } from "./namespaces.ts";

const FIREWALL = renderNodeFirewall({
  podCidrs: ["10.42.0.0/16", "fd42::/56"],
  serviceCidrs: ["10.43.0.0/16", "fd43::/112"],
  resolvers: ["169.254.169.254", "169.254.169.253"],
  apiPort: 6443,
});

interface Attempt {
  readonly title: string;
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
  readonly source?: string;
}

const tcp = (title: string, host: string, port: number): Attempt => ({
  title,
  protocol: "tcp",
  host,
  port,
});
const udp = (title: string, host: string, port: number): Attempt => ({
  ...tcp(title, host, port),
  protocol: "udp",
});

const ALLOWED = [
  tcp("a public address", "104.16.0.35", 443),
  tcp("a public address by IPv6", "2606:4700::35", 443),
  udp("the resolver by UDP", "169.254.169.254", 53),
  tcp("the resolver by TCP", "169.254.169.254", 53),
  tcp("another pod", "10.42.0.6", 8080),
  tcp("another pod by IPv6", "fd42::6", 8080),
  udp("another pod by UDP", "10.42.0.6", 53),
  tcp("a Service of pods", "10.43.0.80", 80),
  tcp("the API server's Service", "10.43.0.1", 443),
  tcp("the API server on the node", "10.90.0.2", 6443),
];
const DROPPED = [
  tcp("metadata by HTTP", "169.254.169.254", 80),
  tcp("metadata by HTTPS", "169.254.169.254", 443),
  udp("another port of the resolver", "169.254.169.254", 123),
  tcp("another link-local address", "169.254.7.7", 443),
  tcp("a foreign resolver by TCP", "8.8.8.8", 53),
  udp("a foreign resolver by UDP", "8.8.8.8", 53),
  udp("QUIC", "104.16.0.35", 443),
  tcp("public HTTP", "104.16.0.35", 80),
  tcp("public SSH", "104.16.0.35", 22),
  tcp("public HTTP by IPv6", "2606:4700::35", 80),
  tcp("a private address", "10.1.2.3", 443),
  tcp("another private address", "192.168.1.1", 443),
  tcp("carrier-grade NAT", "100.64.0.1", 443),
  tcp("a documentation range", "203.0.113.10", 443),
  tcp("unique local IPv6", "fd20:ce::254", 80),
  tcp("unique local IPv6 by HTTPS", "fd20:ce::254", 443),
  tcp("NAT64", "64:ff9b::a9fe:a9fe", 443),
  tcp("a Service with a handwritten public endpoint", "10.43.0.66", 80),
  tcp("a Service with the metadata server as endpoint", "10.43.0.67", 80),
  tcp("an address of the service range without a Service", "10.43.0.99", 443),
  tcp("the kubelet", "10.90.0.2", 10250),
  tcp("the kubelet by IPv6", "fd90::2", 10250),
  tcp("the kubelet by link-local IPv6", "fe80::1%eth0", 10250),
  udp("the node by UDP", "10.90.0.2", 53),
  {
    ...tcp("a public address from a forged source address", "104.16.0.35", 443),
    source: "10.99.0.5",
  },
  { ...tcp("the same over IPv6", "2606:4700::35", 443), source: "fd99::5" },
];
/** The addresses in DROPPED that are outside the node. */
const OUTSIDE_ADDRESSES = [
  ...["104.16.0.35", "169.254.169.254", "169.254.169.253", "169.254.7.7", "8.8.8.8", "10.1.2.3"],
  ...["192.168.1.1", "100.64.0.1", "203.0.113.10", "10.43.0.99"],
  ...["2606:4700::35", "fd20:ce::254", "64:ff9b::a9fe:a9fe"],
];
/** A public address whose server does not close connections. */
const HOLDS_OUTSIDE = "104.16.0.36";
const ENDPOINT = join(import.meta.dirname, "endpoint.js");

describe.skipIf(process.getuid?.() !== 0)("the node firewall, by packets", () => {
  const all: Namespace[] = [];
  let node: Namespace, pod: Namespace, bystander: Namespace, outside: Namespace;

  const probe = (from: Namespace, attempts: readonly Attempt[], patienceMs: number): unknown =>
    JSON.parse(
      from.run(process.execPath, [ENDPOINT, "probe"], JSON.stringify({ attempts, patienceMs })),
    );
  const each = (attempts: readonly Attempt[], outcome: string): string[] =>
    attempts.map(({ title }) => `${title}: ${outcome}`);
  const titled = (attempts: readonly Attempt[], outcomes: unknown): string[] =>
    (outcomes as string[]).map((outcome, i) => `${attempts[i]?.title ?? ""}: ${outcome}`);
  /** New connections that arrived outside since the last call. */
  const arrived = (): string[] => {
    const list = outside.run("nft", ["-j", "list", "set", "inet", "watch", "seen"]);
    outside.run("nft", ["flush", "set", "inet", "watch", "seen"]);
    const { nftables } = JSON.parse(list) as { nftables: { set?: { elem?: unknown[] } }[] };
    return nftables.flatMap((entry) => entry.set?.elem ?? []).map((entry) => JSON.stringify(entry));
  };

  beforeAll(async () => {
    for (let i = 0; i < 5; i++) all.push(await openNamespace());
    const [first, second, third, fourth, fifth] = all as Five;
    [node, pod, bystander, outside] = [first, second, fourth, fifth];
    lay(node, { pod, neighbour: third, bystander, outside });
    await node.serve(process.execPath, [
      ENDPOINT,
      "serve",
      "53,6443,10250",
      "10.90.0.2,fd90::2,fe80::1%pod5",
    ]);
    await third.serve(process.execPath, [ENDPOINT, "serve", "53,8080", "::"]);
    await pod.serve(process.execPath, [ENDPOINT, "serve", "8080", "::"]);
    await third.serve(process.execPath, [ENDPOINT, "hold", "4000,7080,8443", "::"]);
    await outside.serve(process.execPath, [ENDPOINT, "hold", "443", HOLDS_OUTSIDE]);
    await outside.serve(process.execPath, [
      ENDPOINT,
      "serve",
      "22,53,80,123,443",
      OUTSIDE_ADDRESSES.join(","),
    ]);
  });
  afterAll(() => {
    for (const namespace of all) namespace.close();
  });

  it("is needed, because without it every attempt is answered", () => {
    const attempts = [...ALLOWED, ...DROPPED];
    expect(titled(attempts, probe(pod, attempts, 10_000))).toEqual(each(attempts, "answered"));
  });

  it("can be loaded twice and does not change other tables", () => {
    const tables = (): string[] => node.run("nft", ["list", "tables"]).trim().split("\n");
    const before = tables();
    node.run("nft", ["-f", "-"], FIREWALL);
    node.run("nft", ["-f", "-"], FIREWALL);
    expect(tables()).toEqual([...before, "table inet node-firewall"]);
  });

  it("allows what agents, DNS and the API need", () => {
    expect(titled(ALLOWED, probe(pod, ALLOWED, 10_000))).toEqual(each(ALLOWED, "answered"));
  });

  it("drops everything else, so nothing else arrives outside", () => {
    arrived();
    expect(titled(DROPPED, probe(pod, DROPPED, 1_000))).toEqual(each(DROPPED, "silent"));
    expect(arrived()).toEqual([]);
  });

  it("counts dropped packets by destination", () => {
    node.run("nft", ["-f", "-"], FIREWALL);
    probe(pod, [udp("metadata", "169.254.169.254", 80)], 1_000);
    expect([counted("link-local"), counted("forward"), counted("node")]).toEqual([1, 0, 0]);
    probe(pod, [udp("outside", "104.16.0.35", 80), udp("the kubelet", "10.90.0.2", 10250)], 1_000);
    expect([counted("link-local"), counted("forward"), counted("node")]).toEqual([1, 1, 1]);
  });

  const counted = (name: string): number => {
    const text = node.run("nft", ["list", "counter", "inet", "node-firewall", name]);
    return Number(/packets (\d+)/.exec(text)?.[1]);
  };

  describe.each([
    ["IPv4", "10.42.0.6", "fd42::6", "10.42.0.5"],
    ["IPv6", "fd42::6", "10.42.0.6", "fd42::5"],
  ])("with the maximum number of connections from a pod's %s address", (_, host, other, own) => {
    let leave: () => void;
    const gateway = [tcp("the gateway", host, 8080), tcp("its TLS port", host, 8443)];

    beforeAll(async () => {
      node.run("nft", ["-f", "-"], FIREWALL);
      const held = [ENDPOINT, "crowd", String(agentConnections.perAddress - 1), "8443", host];
      leave = await pod.serve(process.execPath, held);
      await pod.serve(process.execPath, [ENDPOINT, "crowd", "1", "7080", host]);
    });

    it("refuses the next connection to any of the ports at once, and counts it", () => {
      expect(probe(pod, gateway, 10_000)).toEqual(["refused", "refused"]);
      // One more for each attempt that the kernel repeats before it sees the refusal.
      expect(counted("connections")).toBeGreaterThanOrEqual(2);
    });

    it("still allows other pods, other ports, the other address family and outside traffic", () => {
      const outward = [
        tcp("a port that the gateway's own pods call", host, 4000),
        tcp("DNS by TCP", host, 53),
        tcp("the gateway by the other family", other, 8080),
        tcp("a public address", "104.16.0.35", 443),
      ];
      expect(titled(outward, probe(pod, outward, 10_000))).toEqual(each(outward, "answered"));
      expect(probe(outside, [tcp("the pod", own, 8080)], 10_000)).toEqual(["answered"]);
      expect(probe(bystander, gateway, 10_000)).toEqual(["answered", "answered"]);
    });

    it("allows new connections after the old ones are closed, however many short ones follow", async () => {
      leave();
      const next = () => probe(pod, [tcp("the gateway", host, 8443)], 10_000);
      await expect.poll(next, { timeout: 20_000 }).toEqual(["answered"]);
      const refused = counted("connections");
      const count = String(3 * agentConnections.perAddress);
      const said = pod.run(process.execPath, [ENDPOINT, "series", count, "8443", host]);
      expect(said).toBe("all answered\n");
      expect(counted("connections")).toBe(refused);
    });
  });

  it.each([
    ["a port that the gateway's own pods call", "4000", "10.42.0.6"],
    ["the internet", "443", HOLDS_OUTSIDE],
  ])("does not limit connections to %s", async (_, port, host) => {
    node.run("nft", ["-f", "-"], FIREWALL);
    const count = String(4 * agentConnections.perAddress);
    const leave = await pod.serve(process.execPath, [ENDPOINT, "crowd", count, port, host]);
    leave();
    expect(counted("connections")).toBe(0);
  });

  it("does not filter traffic from the node to its pods", () => {
    const probes = [tcp("a pod", "10.42.0.5", 8080), tcp("a pod by IPv6", "fd42::5", 8080)];
    expect(titled(probes, probe(node, probes, 10_000))).toEqual(each(probes, "answered"));
  });

  it("allows a pod to answer a connection from outside", () => {
    const probes = [tcp("a pod", "10.42.0.5", 8080), tcp("a pod by IPv6", "fd42::5", 8080)];
    expect(titled(probes, probe(outside, probes, 10_000))).toEqual(each(probes, "answered"));
  });

  it("forwards the ICMP errors that belong to a connection", () => {
    const closed = [udp("a resolver that is down", "169.254.169.253", 53)];
    outside.run(
      "nft",
      ["-f", "-"],
      "table inet down {\n chain input {\n type filter hook input priority 0\n ip daddr 169.254.169.253 reject\n }\n}\n",
    );
    expect(probe(pod, closed, 10_000)).toEqual(["refused"]);
  });
});

type Five = [Namespace, Namespace, Namespace, Namespace, Namespace];

interface Ends {
  readonly pod: Namespace;
  readonly neighbour: Namespace;
  readonly bystander: Namespace;
  readonly outside: Namespace;
}

/** Connects three pods and the outside to the node with one veth pair each, with kube-proxy's rules written by hand. */
function lay(node: Namespace, { pod, neighbour, bystander, outside }: Ends): void {
  const ip = (namespace: Namespace, lines: string[]): string =>
    namespace.run("ip", ["-batch", "-"], lines.join("\n") + "\n");
  ip(node, [
    "link set lo up",
    `link add up0 type veth peer name eth0 netns ${outside.pid}`,
    "addr add 10.90.0.2/24 dev up0",
    "addr add fd90::2/64 dev up0 nodad",
    "link set up0 up",
  ]);
  ip(outside, [
    "link set lo up",
    "addr add 10.90.0.1/24 dev eth0",
    "addr add fd90::1/64 dev eth0 nodad",
    "link set eth0 up",
    ...[...OUTSIDE_ADDRESSES, HOLDS_OUTSIDE].map(
      (a) => `addr add ${a}/${a.includes(":") ? "128" : "32"} dev lo`,
    ),
    "route add default via 10.90.0.2",
    "route add default via fd90::2",
  ]);
  for (const [number, namespace] of [
    [5, pod],
    [6, neighbour],
    [7, bystander],
  ] as const) {
    ip(node, [
      `link add pod${number} type veth peer name eth0 netns ${namespace.pid}`,
      `addr add 169.254.1.1/32 dev pod${number}`,
      `addr add fe80::1/64 dev pod${number} nodad`,
      `link set pod${number} up`,
      ...[
        `10.42.0.${number}/32`,
        `10.99.0.${number}/32`,
        `fd42::${number}/128`,
        `fd99::${number}/128`,
      ].map((address) => `route add ${address} dev pod${number}`),
    ]);
    ip(namespace, [
      "link set lo up",
      "link set eth0 up",
      ...[
        `10.42.0.${number}/32`,
        `fd42::${number}/128`,
        `10.99.0.${number}/32`,
        `fd99::${number}/128`,
      ].map((address) => `addr add ${address} dev eth0${address.includes(":") ? " nodad" : ""}`),
      "route add 169.254.1.1 dev eth0 scope link",
      `route add default via 169.254.1.1 src 10.42.0.${number}`,
      `route add default via fe80::1 dev eth0 src fd42::${number}`,
    ]);
  }
  ip(node, ["route add default via 10.90.0.1", "route add default via fd90::1"]);
  node.run("sh", [
    "-c",
    "for s in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$s; done",
  ]);
  node.run(
    "nft",
    ["-f", "-"],
    `table ip kube-proxy {
  chain services {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 10.43.0.1 tcp dport 443 dnat to 10.90.0.2:6443
    ip daddr 10.43.0.80 tcp dport 80 dnat to 10.42.0.6:8080
    ip daddr 10.43.0.66 tcp dport 80 dnat to 104.16.0.35:80
    ip daddr 10.43.0.67 tcp dport 80 dnat to 169.254.169.254:80
  }
}
`,
  );
  outside.run(
    "nft",
    ["-f", "-"],
    `table inet watch {
  set seen {
    type inet_proto . inet_service
    flags dynamic
    size 1000
  }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname "eth0" meta l4proto { tcp, udp } add @seen { meta l4proto . th dport }
  }
}
`,
  );
}
