import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { MountedFiles } from "../../../kubernetes/workload.ts";
import {
  authorityFiles,
  leavesContainer,
  leavesFiles,
  leavesMount,
  leavesVolume,
  leavesVolumeNames,
} from "../../inspect/leaves.ts";
import type { Inspection } from "../../inspect/inspection.ts";

/** What Envoy's pod has in addition where it inspects hosts. */
interface InspectingPod {
  readonly annotations: Record<string, string>;
  readonly files: readonly MountedFiles[];
  readonly initContainers: readonly types.input.core.v1.Container[];
  readonly volumes: readonly types.input.core.v1.Volume[];
  /** Mounts of Envoy's container. */
  readonly volumeMounts: readonly types.input.core.v1.VolumeMount[];
}

/** The parts of {@link InspectingPod}. */
export function inspectingPod(
  { hosts, authority }: Inspection,
  { objectName, image }: { readonly objectName: string; readonly image: string },
): InspectingPod {
  const names = hosts.map(({ host }) => host);
  const credentials = hosts.flatMap(({ credential }) => (credential ? [credential.name] : []));
  return {
    // As with headers for OTLP: Envoy refuses a chain whose files are not there yet, and a new pod finds them all.
    annotations: {
      "claude-gateway/inspected": [...names, ...new Set(credentials)].join(","),
    },
    files: [
      {
        volume: leavesVolumeNames.scripts,
        objectName: `${objectName}-leaves`,
        data: leavesFiles(names),
        rollsOn: { name: "leaves", text: (files) => JSON.stringify(files) },
      },
      {
        volume: leavesVolumeNames.authority,
        objectName: `${objectName}-authority`,
        data: {
          [authorityFiles.certificate]: authority.certificate,
          [authorityFiles.key]: authority.key,
        } satisfies Record<string, pulumi.Input<string>>,
        secret: true,
      },
    ],
    initContainers: [leavesContainer({ image })],
    volumes: [leavesVolume],
    volumeMounts: [leavesMount],
  };
}

/** What Envoy's pod has in addition where it inspects none: nothing. */
export const notInspecting: InspectingPod = {
  annotations: {},
  files: [],
  initContainers: [],
  volumes: [],
  volumeMounts: [],
};
