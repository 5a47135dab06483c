import { type Message } from "./proto.ts";

/** Where the two volumes are mounted; whole volumes, because a `subPath` is never updated. */
export const mounts = {
  config: "/etc/envoy/config",
  secrets: "/etc/envoy/secrets",
} as const;

/** File names inside the volumes. */
export const fileNames = {
  bootstrap: "bootstrap.json",
  listeners: "listeners.json",
  clusters: "clusters.json",
  /** In the Secret: routes are matched by token. */
  routes: "routes.json",
  /** In the Secret: what is shown to the next hop. */
  credential: "credential.json",
} as const;

/** The system's certificate authorities in Envoy's image. */
export const SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt";

/**
 * A configuration source read from a volume. Kubernetes updates a volume by renaming its `..data` link, so
 * the folder is watched for renames: the files themselves, links through `..data`, never change.
 */
export function fileSource(volume: keyof typeof mounts, file: string): Message {
  return {
    resource_api_version: "V3",
    path_config_source: {
      path: `${mounts[volume]}/${file}`,
      watched_directory: { path: mounts[volume] },
    },
  };
}
