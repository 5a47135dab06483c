import type { Files } from "../../components/gateway/envoy/args.ts";
import { fileNames } from "../../components/gateway/envoy/volumes.ts";

interface Discovery {
  readonly resources: readonly Record<string, unknown>[];
}

/**
 * One static bootstrap with everything that Envoy would load from its discovery files. `--mode validate` reads only the
 * bootstrap, so it would not find mistakes in the other files.
 */
export function staticBootstrap(config: Files, secrets: Files = {}): Files {
  const bootstrap = JSON.parse(config[fileNames.bootstrap] ?? "") as {
    dynamic_resources?: unknown;
    static_resources: { listeners: unknown[]; clusters: unknown[]; secrets?: unknown[] };
  };
  delete bootstrap.dynamic_resources;
  const resources = bootstrap.static_resources;
  const fromSecrets = Object.values(secrets).flatMap(inDiscovery);
  const routes = fromSecrets.filter((resource) => "virtual_hosts" in resource);
  const clusters = inDiscovery(config[fileNames.clusters]);
  resources.clusters.push(...clusters.map((cluster) => inline(cluster, routes)));
  resources.listeners.push(
    ...inDiscovery(config[fileNames.listeners]).map((listener) => inline(listener, routes)),
  );
  resources.secrets = fromSecrets.filter((resource) => "generic_secret" in resource);
  return { [fileNames.bootstrap]: JSON.stringify(bootstrap) };
}

function inDiscovery(text: string | undefined): Record<string, unknown>[] {
  if (text === undefined) return [];
  const { resources } = JSON.parse(text) as Discovery;
  return resources.map((resource) => {
    const fields = { ...resource };
    delete fields["@type"];
    return fields;
  });
}

/** A listener or cluster whose routes and secrets are in the bootstrap itself. */
function inline(resource: unknown, routes: readonly Record<string, unknown>[]): unknown {
  return JSON.parse(JSON.stringify(resource), (_key, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const { rds, sds_config, ...rest } = value as Record<string, unknown>;
    if (rds !== undefined) {
      const { route_config_name: wanted } = rds as { route_config_name: string };
      return { ...rest, route_config: routes.find(({ name }) => name === wanted) };
    }
    return sds_config === undefined ? value : rest;
  });
}
