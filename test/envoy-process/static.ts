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
  const routes = inDiscovery(secrets[fileNames.routes])[0];
  resources.clusters.push(...inDiscovery(config[fileNames.clusters]));
  resources.listeners.push(
    ...inDiscovery(config[fileNames.listeners]).map((listener) => inline(listener, routes)),
  );
  resources.secrets = inDiscovery(secrets[fileNames.credential]);
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

/** A listener whose routes and secret are in the bootstrap itself. */
function inline(listener: unknown, routes: unknown): unknown {
  return JSON.parse(JSON.stringify(listener), (_key, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const { rds, sds_config, ...rest } = value as Record<string, unknown>;
    if (rds !== undefined) return { ...rest, route_config: routes };
    return sds_config === undefined ? value : rest;
  });
}
