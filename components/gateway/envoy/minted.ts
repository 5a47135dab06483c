import type { types } from "@pulumi/kubernetes";
import type { MountedFiles } from "../../kubernetes/workload.ts";
import { audienceOf, mintConfig } from "../mint/config.ts";
import {
  mintContainer,
  mintFiles,
  mintTokensMount,
  mintVolumeNames,
  mintVolumes,
} from "../mint/mint.ts";
import type { MintedCredential } from "../real-credential.ts";
import { CREDENTIAL_SECRET } from "./headers.ts";
import { UPSTREAM_TOKEN } from "./volumes.ts";

/** What Envoy's pod has in addition where it mints the real credential itself. */
interface MintedPod {
  readonly files: readonly MountedFiles[];
  readonly initContainers: readonly types.input.core.v1.Container[];
  readonly volumes: readonly types.input.core.v1.Volume[];
  /** Mounts of Envoy's container. */
  readonly volumeMounts: readonly types.input.core.v1.VolumeMount[];
  /** The rest of the pod's spec. */
  readonly spec: Pick<types.input.core.v1.PodSpec, "serviceAccountName" | "dnsConfig">;
}

/** The parts of {@link MintedPod} for a credential. */
export function mintedPod(
  { source, account }: MintedCredential,
  { objectName, image }: { readonly objectName: string; readonly image: string },
): MintedPod {
  const audience = audienceOf(source);
  return {
    files: [
      {
        volume: mintVolumeNames.scripts,
        objectName: `${objectName}-mint`,
        data: mintFiles({
          [UPSTREAM_TOKEN]: mintConfig(UPSTREAM_TOKEN, source, CREDENTIAL_SECRET),
        }),
        rollsOn: { name: "mint", text: (files) => JSON.stringify(files) },
      },
    ],
    initContainers: [mintContainer({ image, names: [UPSTREAM_TOKEN] })],
    volumes: mintVolumes({
      audiences: audience === undefined ? {} : { [UPSTREAM_TOKEN]: audience },
    }),
    volumeMounts: [mintTokensMount],
    spec: {
      serviceAccountName: account,
      // The helper asks for the name as it is first, and not for HOST.<namespace>.svc.cluster.local and its like.
      dnsConfig: { options: [{ name: "ndots", value: "1" }] },
    },
  };
}

/** What Envoy's pod has in addition where the config stores the credential, or the agent holds it: nothing. */
export const notMinted: MintedPod = {
  files: [],
  initContainers: [],
  volumes: [],
  volumeMounts: [],
  spec: {},
};
