/** What NetworkPolicies allow, as Kubernetes defines it and as kube-router reads it. */

import { BlockList, isIPv4 } from "node:net";
import type { PolicySpec } from "../../../../components/kubernetes/policy-spec.ts";
import { namespaces, policies } from "./policies-cluster.ts";

export type Labels = Record<string, string>;

export interface Pod {
  readonly namespace: string;
  readonly labels: Labels;
}

export interface Policy {
  readonly namespace: string;
  readonly spec: PolicySpec;
}

const everyPort = [
  ...[53, 80, 443, 4000, 4318, 5353, 6070, 6379, 6443, 7080, 7081],
  ...[8080, 8081, 8082, 8083, 8443, 9102, 9901],
];

export type Reading = typeof inAnyBlock;

/** The ports of `target`, a pod or an outside address, to which a connection from `source` is allowed. */
export function reached(source: Pod, target: Pod | string, among = policies) {
  return reachedAs(inAnyBlock, source, target, among);
}

export function reachedAs(reading: Reading, source: Pod, target: Pod | string, among = policies) {
  const open = (protocol: string) =>
    everyPort.filter(
      (port) =>
        passes("egress", source, target, { protocol, port, reading }, among) &&
        (typeof target === "string" ||
          passes("ingress", target, source, { protocol, port, reading }, among)),
    );
  return { TCP: open("TCP"), UDP: open("UDP") };
}

/** The meaning of NetworkPolicies for one end of a connection: without a policy all is allowed, else a policy must allow it. */
function passes(
  direction: "ingress" | "egress",
  pod: Pod,
  peer: Pod | string,
  wanted: { protocol: string; port: number; reading: Reading },
  among: readonly Policy[],
): boolean {
  const selecting = among.filter(
    ({ namespace, spec }) =>
      namespace === pod.namespace && matches(spec.podSelector.matchLabels, pod.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some(({ namespace, spec }) => {
    const rules =
      direction === "ingress"
        ? spec.ingress.map(({ from, ports }) => ({ peers: from, ports }))
        : spec.egress.map(({ to, ports }) => ({ peers: to, ports }));
    return rules.some(
      ({ peers, ports }) =>
        ports.some(({ protocol, port }) => protocol === wanted.protocol && port === wanted.port) &&
        inAny(peers, peer, namespace, wanted.reading),
    );
  });
}

type Peer = PolicySpec["egress"][number]["to"][number];
type IpBlock = Extract<Peer, { ipBlock: unknown }>["ipBlock"];

export function inAny(
  peers: readonly Peer[],
  peer: Pod | string,
  namespace: string,
  reading: Reading,
): boolean {
  if (typeof peer === "string") {
    const blocks = peers.flatMap((peer) => ("ipBlock" in peer ? [peer.ipBlock] : []));
    return reading(peer, blocks);
  }
  return peers.some((candidate) => !("ipBlock" in candidate) && isPeer(candidate, peer, namespace));
}

/** Kubernetes: an address in a block and in none of that block's exceptions. */
export function inAnyBlock(address: string, blocks: readonly IpBlock[]): boolean {
  return blocks.some(({ cidr, except }) => within(address, [cidr]) && !within(address, except));
}

/** kube-router: all blocks of a rule and their exceptions form one set, and the most specific network decides. */
export function inMostSpecificNetwork(address: string, blocks: readonly IpBlock[]): boolean {
  const everything: Record<string, string[]> = {
    "0.0.0.0/0": ["0.0.0.0/1", "128.0.0.0/1"],
    "::/0": ["2000::/3", "fd00::/8"],
  };
  const networks = blocks.flatMap(({ cidr, except }) => [
    ...(everything[cidr] ?? [cidr]).map((network) => ({ network, matches: true })),
    ...except.map((network) => ({ network, matches: false })),
  ]);
  const length = (network: string) => Number(network.split("/")[1]);
  const [most] = networks
    .filter(({ network }) => within(address, [network]))
    .sort((a, b) => length(b.network) - length(a.network));
  return most?.matches === true;
}

function isPeer(
  candidate: Exclude<Peer, { ipBlock: unknown }>,
  peer: Pod,
  namespace: string,
): boolean {
  const inNamespace =
    candidate.namespaceSelector === undefined
      ? peer.namespace === namespace
      : matches(candidate.namespaceSelector.matchLabels, {
          ...namespaces[peer.namespace],
          "kubernetes.io/metadata.name": peer.namespace,
        });
  const labels = "podSelector" in candidate ? candidate.podSelector.matchLabels : undefined;
  return inNamespace && matches(labels, peer.labels);
}

export function matches(selector: Labels | undefined, labels: Labels): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}

function within(address: string, cidrs: readonly string[]): boolean {
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  const list = new BlockList();
  for (const cidr of cidrs.filter((cidr) => cidr.includes(":") === (family === "ipv6"))) {
    const [network = "", length] = cidr.split("/");
    list.addSubnet(network, Number(length), family);
  }
  return list.check(address, family);
}
