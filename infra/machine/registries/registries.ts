/**
 * How the kubelet gets credentials for private images: a credential provider of our own. k3s has none built in.
 * https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
 */
import { readFileSync } from "node:fs";
import { CONFIG_DIR, METADATA_ADDRESS, type MachineFile } from "../k3s-config.ts";

/** Metadata key with the full name of the secret that has the pull credentials. */
export const PULL_SECRET_KEY = "claude-gateway-pull-secret";

/** Name of the provider and of its file. */
export const PROVIDER = "claude-gateway-registries";

/** Paths on the boot disk, because the data disk is mounted later. */
export const PROVIDER_DIR = "/usr/local/libexec/claude-gateway";
export const PROVIDER_CONFIG = `${CONFIG_DIR}/registries-credentials.yaml`;

/** Hosts of Artifact Registry, one for each location. A `*` stands for the rest of one label. */
export const ARTIFACT_REGISTRY = "*-docker.pkg.dev";

/** Username and password by host name of a registry, as in the secret. */
export function pullCredentialsText(
  credentials: readonly {
    readonly registry: string;
    readonly username: string;
    readonly password: string;
  }[],
): string {
  return JSON.stringify(
    Object.fromEntries(
      credentials.map(({ registry, username, password }) => [registry, { username, password }]),
    ),
  );
}

/** For which images the kubelet asks the provider. `registries` are the host names of those with pull credentials. */
export function renderProviderConfig(registries: readonly string[]): string {
  const config = {
    apiVersion: "kubelet.config.k8s.io/v1",
    kind: "CredentialProviderConfig",
    providers: [
      {
        name: PROVIDER,
        apiVersion: "credentialprovider.kubelet.k8s.io/v1",
        matchImages: [ARTIFACT_REGISTRY, ...registries],
        // Unused, but required: each answer says how long it may be kept.
        defaultCacheDuration: "0s",
      },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Base URLs of Google's services. */
export interface GoogleServices {
  readonly metadata: string;
  readonly secretManager: string;
}

export const googleServices: GoogleServices = {
  metadata: `http://${METADATA_ADDRESS}/computeMetadata/v1`,
  secretManager: "https://secretmanager.googleapis.com/v1",
};

/** The provider: a script. */
export function renderProvider(services: GoogleServices = googleServices): string {
  return [
    "#!/bin/bash",
    `readonly METADATA='${services.metadata}'`,
    `readonly SECRET_MANAGER='${services.secretManager}'`,
    `readonly SECRET_KEY='${PULL_SECRET_KEY}'`,
    readFileSync(new URL("credentials.sh", import.meta.url), "utf8"),
  ].join("\n");
}

/** The kubelet's flags. They overrule k3s's own, which name a folder on the data disk. */
export function providerFlags(dir = PROVIDER_DIR, config = PROVIDER_CONFIG): readonly string[] {
  return [`image-credential-provider-bin-dir=${dir}`, `image-credential-provider-config=${config}`];
}

/** The provider and its configuration. */
export function providerFiles(registries: readonly string[]): MachineFile[] {
  return [
    { path: `${PROVIDER_DIR}/${PROVIDER}`, mode: "0755", content: renderProvider() },
    { path: PROVIDER_CONFIG, mode: "0600", content: renderProviderConfig(registries) },
  ];
}
