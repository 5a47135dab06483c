import { outputFile, TOKENS_DIR } from "../mint/place.ts";
import { type Message } from "./proto.ts";

/** Where the two volumes are mounted. Whole volumes, because Kubernetes never updates a `subPath` mount. */
export const mounts = {
  config: "/etc/envoy/config",
  secrets: "/etc/envoy/secrets",
} as const;

/** File names inside the volumes. */
export const fileNames = {
  bootstrap: "bootstrap.json",
  listeners: "listeners.json",
  clusters: "clusters.json",
  /** In the Secret, because it contains the agents' tokens. */
  routes: "routes.json",
  /** In the Secret: the real credential, if the config stores it. */
  credential: "credential.json",
  /** In the Secret: Envoy's token for LiteLLM. */
  litellmToken: "litellm-token.json",
  /** In the Secret, because it contains LiteLLM's key: the routes of LiteLLM's requests to the API. */
  egressRoutes: "egress-routes.json",
  /** In the Secret, because it contains the agents' tokens: the routes of agents' telemetry. */
  otlpRoutes: "otlp-routes.json",
} as const;

/** In the Secret: the value of a header for the OTLP receiver. A file each, because Envoy reads one secret from a file. */
export function otlpHeaderFile(name: string): string {
  return `otlp-header-${name}.json`;
}

/** The system's certificate authorities in Envoy's image. */
export const SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt";

/**
 * A configuration source that is a file in a volume. Envoy watches the folder for renames, because Kubernetes updates a
 * volume by renaming its `..data` link; the files themselves are links through `..data` and never change.
 */
export function fileSource(volume: keyof typeof mounts, file: string): Message {
  return watched(mounts[volume], `${mounts[volume]}/${file}`);
}

/** Name of the real credential among those that the pod mints. */
export const UPSTREAM_TOKEN = "upstream";

/** A configuration source that is a minted credential. The helper renames its file into the folder that Envoy watches. */
export function mintedSource(name: string): Message {
  return watched(TOKENS_DIR, outputFile(name));
}

function watched(folder: string, path: string): Message {
  return {
    resource_api_version: "V3",
    path_config_source: { path, watched_directory: { path: folder } },
  };
}
