import type { types } from "@pulumi/kubernetes";
import type { MountedFiles } from "../../kubernetes/workload.ts";
import type { MintedForHosts } from "../inspect/inspection.ts";
import { audienceOf, type MintConfig, mintConfig } from "../mint/config.ts";
import { firstTokenContainer } from "../mint/first-token.ts";
import {
  mintContainer,
  mintFiles,
  mintTokensMount,
  mintVolumeNames,
  mintVolumes,
} from "../mint/mint.ts";
import type { MintedCredential } from "../real-credential.ts";
import { CREDENTIAL_SECRET, hostCredentialSecret } from "./headers.ts";
import { UPSTREAM_TOKEN } from "./volumes.ts";

/** What Envoy's pod has in addition where it mints credentials itself. */
interface MintedPod {
  readonly files: readonly MountedFiles[];
  readonly initContainers: readonly types.input.core.v1.Container[];
  /** Containers beside Envoy. */
  readonly containers: readonly types.input.core.v1.Container[];
  readonly volumes: readonly types.input.core.v1.Volume[];
  /** Mounts of Envoy's container. */
  readonly volumeMounts: readonly types.input.core.v1.VolumeMount[];
  /** The rest of the pod's spec. */
  readonly spec: Pick<types.input.core.v1.PodSpec, "serviceAccountName" | "dnsConfig">;
}

/** What the pod mints. Whatever is absent is stored in the config, or there is none. */
interface MintedCredentials {
  /** For requests to the API. */
  readonly upstream?: MintedCredential | undefined;
  /** For inspected hosts. */
  readonly hosts?: MintedForHosts | undefined;
}

/** The parts of {@link MintedPod} for credentials. */
export function mintedPod(
  { upstream, hosts }: MintedCredentials,
  { objectName, image }: { readonly objectName: string; readonly image: string },
): MintedPod {
  if (upstream === undefined && hosts === undefined) return notMinted;
  const configs: Record<string, MintConfig> = {
    ...(upstream && {
      [UPSTREAM_TOKEN]: mintConfig(UPSTREAM_TOKEN, upstream.source, CREDENTIAL_SECRET),
    }),
    ...Object.fromEntries(
      Object.entries(hosts?.credentials ?? {}).map(([name, { source, format }]) => [
        name,
        mintConfig(name, source, hostCredentialSecret(name), format),
      ]),
    ),
  };
  const names = {
    required: upstream === undefined ? [] : [UPSTREAM_TOKEN],
    optional: Object.keys(hosts?.credentials ?? {}),
  };
  const keys = hosts?.keys;
  const audience = upstream && audienceOf(upstream.source);
  return {
    files: [
      {
        volume: mintVolumeNames.scripts,
        objectName: `${objectName}-mint`,
        data: mintFiles(configs),
        rollsOn: { name: "mint", text: (files) => JSON.stringify(files) },
      },
      ...(keys === undefined
        ? []
        : [
            {
              volume: keys.volume,
              objectName: `${objectName}-${keys.volume}`,
              data: keys.data,
              secret: true,
            },
          ]),
    ],
    initContainers: [
      mintContainer({
        image,
        names,
        assertions: audience !== undefined,
        volumeMounts:
          keys === undefined ? [] : [{ name: keys.volume, mountPath: keys.folder, readOnly: true }],
      }),
    ],
    containers: [firstTokenContainer({ image, names })],
    volumes: mintVolumes({
      audiences: audience === undefined ? {} : { [UPSTREAM_TOKEN]: audience },
    }),
    volumeMounts: [mintTokensMount],
    spec: {
      ...(upstream && { serviceAccountName: upstream.account }),
      // The helper asks for the name as it is first, and not for HOST.<namespace>.svc.cluster.local and its like.
      dnsConfig: { options: [{ name: "ndots", value: "1" }] },
    },
  };
}

/** Where the config stores the credentials, or the agent holds its own: nothing. */
const notMinted: MintedPod = {
  files: [],
  initContainers: [],
  containers: [],
  volumes: [],
  volumeMounts: [],
  spec: {},
};
