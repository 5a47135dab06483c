import { DRAIN_PORT } from "../../../../components/gateway/drain/drain.ts";
import { ports, probePorts } from "../../../../components/kubernetes/ports.ts";
import { variants } from "../../../../components/gateway/paths/index.ts";
import type { Variant } from "../../../../components/gateway/paths/variant.ts";
import type { Attempt, Surroundings } from "../attempt.ts";
import { BY_HAND, VISITOR_PORT } from "../visitor.ts";

const named = (those: (variant: Variant) => boolean) =>
  variants.filter(those).map(({ name }) => name);
const withEnvoy = named(({ listeners }) => listeners.length > 0);
const withShim = named(({ litellm }) => litellm === "behind-envoy");

function reach(
  id: string,
  title: string,
  of: (around: Surroundings) => readonly [address: string | undefined, port: number],
  more: Partial<Pick<Attempt, "variants" | "rings" | "skip" | "arrives">> = {},
): Attempt {
  return {
    id,
    title,
    expected: "blocked",
    rings: ["policy"],
    ...more,
    python: (around) => {
      const [address, port] = of(around);
      if (address === undefined) throw new Error(`${id}: the stack has no such pod`);
      return `return reached("${address}", ${port})`;
    },
  };
}

/** Destinations in the cluster that an agent must not reach. */
export const inside: readonly Attempt[] = [
  reach("node.api-server", "the API server on the node", (a) => [a.nodeAddress, 6443]),
  reach("service.api-server", "the API server by its Service", (a) => [a.apiServerAddress, 443]),
  reach("node.kubelet", "the kubelet", (a) => [a.nodeAddress, 10250], {
    rings: ["policy", "firewall"],
  }),
  reach("node.ssh", "SSH of the node", (a) => [a.nodeAddress, 22], {
    rings: ["policy", "firewall"],
  }),
  reach("node.port", "a NodePort Service at the node's address", (a) => [
    a.nodeAddress,
    a.visitor.nodePort,
  ]),
  reach("service.other-namespace", "a Service of another namespace", (a) => [
    a.visitor.service,
    VISITOR_PORT,
  ]),
  reach("pod.other-namespace", "a pod of another namespace", (a) => [
    a.visitor.pod.v4,
    VISITOR_PORT,
  ]),
  reach("pod.other-namespace-ipv6", "the same over IPv6", (a) => [a.visitor.pod.v6, VISITOR_PORT], {
    skip: ({ visitor }) => (visitor.pod.v6 ? undefined : "pods have no IPv6 address"),
  }),
  reach(
    "service.by-hand-outside",
    "a Service with a handwritten EndpointSlice that points outside",
    (a) => [a.visitor.byHand.outside, 443],
    { arrives: { protocol: "tcp", address: BY_HAND.outside, port: 443 } },
  ),
  reach(
    "service.by-hand-kubelet",
    "a Service with a handwritten EndpointSlice that points to the kubelet",
    (a) => [a.visitor.byHand.node, 443],
    { rings: ["policy", "firewall"] },
  ),
  reach("service.cluster-dns-metrics", "cluster DNS's metrics", (a) => [a.clusterDns, 9153]),
  reach("probe.shut", "the port that start gates expect to be closed", (a) => [
    a.pods.probe,
    probePorts.shut,
  ]),
  reach(
    "gateway.litellm",
    "LiteLLM directly, bypassing the shim",
    (a) => [a.pods.litellm, ports.litellm],
    {
      variants: withShim,
    },
  ),
  reach("gateway.egress", "Envoy's port for LiteLLM", (a) => [a.pods.gateway, ports.egress], {
    variants: withShim,
  }),
  reach("gateway.admin", "Envoy's admin interface", (a) => [a.pods.gateway, ports.admin], {
    variants: withEnvoy,
  }),
  reach("gateway.health", "Envoy's health listener", (a) => [a.pods.gateway, ports.health], {
    variants: withEnvoy,
  }),
  reach("gateway.drain", "Envoy's drain helper", (a) => [a.pods.gateway, DRAIN_PORT], {
    variants: withEnvoy,
  }),
];
