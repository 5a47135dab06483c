import { clusters } from "../../../../components/gateway/envoy/clusters.ts";
import {
  httpConnectionManager,
  router,
} from "../../../../components/gateway/envoy/http-manager.ts";
import { ports } from "../../../../components/kubernetes/ports.ts";
import {
  fileText,
  type Message,
  socketAddress,
} from "../../../../components/gateway/envoy/proto.ts";
import { fileNames } from "../../../../components/gateway/envoy/volumes.ts";
import { toGateway } from "./direct.ts";
import { pidsOf, startEnvoy } from "./envoy.ts";
import { type Setting, type Subject, TOKEN, UPSTREAM_HOST } from "./subject.ts";
import { envoyTerminate } from "../../../../components/gateway/paths/envoy-terminate.ts";

/** The smallest Envoy configuration that relays: one route to the API over TLS. Our configuration cannot be faster. */
export async function envoyBare(setting: Setting): Promise<Subject> {
  const bootstrap = fileText({
    admin: { address: socketAddress("127.0.0.1", ports.admin) },
    static_resources: {
      listeners: [listener()],
      clusters: clusters({ variant: envoyTerminate, credentialKind: "apiKey" }).map(withoutOptions),
    },
  });
  const envoy = await startEnvoy(setting, { config: { [fileNames.bootstrap]: bootstrap } });
  return {
    name: "envoy-bare",
    to: toGateway(envoy.ports.agents, TOKEN),
    pids: pidsOf(envoy),
    stop: () => envoy.stop(),
  };
}

function listener(): Message {
  const manager = httpConnectionManager({
    stat_prefix: "bare",
    route_config: {
      virtual_hosts: [
        {
          name: "bare",
          domains: ["*"],
          routes: [
            {
              match: { prefix: "/anthropic/" },
              route: {
                cluster: "anthropic",
                prefix_rewrite: "/",
                host_rewrite_literal: UPSTREAM_HOST,
                timeout: "0s",
              },
            },
          ],
        },
      ],
    },
    http_filters: [router()],
  });
  const address = socketAddress("0.0.0.0", ports.agents);
  return { name: "bare", address, filter_chains: [{ filters: [manager] }] };
}

/** A cluster with the default HTTP/1.1 settings. */
function withoutOptions(cluster: Message): Message {
  return Object.fromEntries(
    Object.entries(cluster).filter(([name]) => name !== "typed_extension_protocol_options"),
  );
}
