import { DRAIN_PORT } from "../../../components/gateway/drain/drain.ts";
import { ports } from "../../../components/gateway/envoy/ports.ts";
import { probePorts } from "../../../components/egress/gate/gate.ts";
import type { GatewayVariant } from "../../../components/gateway/variant.ts";
import type { Attempt, Ring, Surroundings } from "../attempt.ts";

const withEnvoy: GatewayVariant[] = ["shim", "envoy-terminate", "envoy-sni", "hybrid"];
const withShim: GatewayVariant[] = ["shim", "hybrid"];

function reach(
  id: string,
  title: string,
  of: (around: Surroundings) => readonly [address: string | undefined, port: number],
  more: { variants?: readonly GatewayVariant[]; rings?: readonly [Ring, ...Ring[]] } = {},
): Attempt {
  return {
    id,
    title,
    expected: "blocked",
    rings: more.rings ?? ["policy"],
    ...(more.variants && { variants: more.variants }),
    python: (around) => {
      const [address, port] = of(around);
      if (address === undefined) throw new Error(`${id}: there is no such pod`);
      return `return reached("${address}", ${port})`;
    },
  };
}

/** Destinations in the cluster that are none of an agent's business. */
export const inside: readonly Attempt[] = [
  reach("node.api-server", "the API server on the node", (a) => [a.nodeAddress, 6443]),
  reach("service.api-server", "the API server by its Service", (a) => [a.apiServerAddress, 443]),
  reach("node.kubelet", "the kubelet", (a) => [a.nodeAddress, 10250], {
    rings: ["policy", "firewall"],
  }),
  reach("node.ssh", "SSH of the node", (a) => [a.nodeAddress, 22], {
    rings: ["policy", "firewall"],
  }),
  reach("service.cluster-dns-metrics", "cluster DNS's metrics", (a) => [a.clusterDns, 9153]),
  reach("probe.shut", "the port that start gates find shut", (a) => [
    a.pods.probe,
    probePorts.shut,
  ]),
  reach("gateway.litellm", "LiteLLM around the shim", (a) => [a.pods.litellm, ports.litellm], {
    variants: withShim,
  }),
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
