import { z } from "zod";

import { K3S_VERSION, pinnedK3s as pinned, releaseProblem } from "./machine/k3s-release.ts";

/** `gcp:project` and `gcp:zone`, the provider's own configuration. Every host stack needs both. */
export const GcpConfig = z.strictObject({
  project: z
    .string()
    .regex(
      /^[a-z][-a-z0-9]{4,28}[a-z0-9]$/,
      "is not a project id: write the id that `gcloud projects list` shows, not the display name or number",
    ),
  zone: z
    .string()
    .regex(
      /^[a-z]+-[a-z]+[0-9]+-[a-z]$/,
      'is not a zone: write it with its letter, for example "us-central1-a" (`gcloud compute zones list`)',
    ),
});
export type GcpConfig = z.infer<typeof GcpConfig>;

/** Size of a disk in GB: at least the smallest size that works, at most GCE's maximum. */
function DiskGb(least: number, why: string) {
  return z
    .int("is not a whole number of GB")
    .min(least, `is too small: at least ${least}, because ${why}`)
    .max(65_536, "is too large: a GCE disk has at most 65536 GB");
}

const Snapshots = z.strictObject({
  /** Days that a snapshot is kept. */
  keepDays: z.int().min(1).max(365).default(7),
  /** Hour of the day (UTC) at which the data disk is snapshotted. */
  hourUtc: z
    .int()
    .min(0, "is not an hour: write 0 to 23")
    .max(23, "is not an hour: write 0 to 23")
    .default(3),
});

/** `host`: the machine. Every key has a default. */
export const HostConfig = z.strictObject({
  /** The default, e2-standard-4, runs k3s, the gateway with LiteLLM and a handful of agents; see the README for sizes and cost. */
  machineType: z
    .string()
    .regex(
      /^[a-z][a-z0-9]*-[-a-z0-9]+$/,
      'is not a machine type: write for example "e2-standard-4" (`gcloud compute machine-types list`)',
    )
    .default("e2-standard-4"),
  /** Debian image; default: Debian 13 for the CPU architecture of `machineType`. */
  image: z
    .string()
    .regex(
      /^[-a-z0-9.:]+\/[-a-z0-9]+$/,
      'is not an image: write "<project>/<image or family>", for example "debian-cloud/debian-13"',
    )
    .optional(),
  bootDiskGb: DiskGb(20, "the kubelet keeps pod logs and scratch space there").default(30),
  dataDiskGb: DiskGb(20, "container images and the cluster's datastore live there").default(50),
  /** Daily snapshots of the data disk. Default: none. `{}` uses the defaults. */
  snapshots: Snapshots.optional(),
  /** Existing Cloud KMS key for both disks. Default: Google's own encryption. */
  kmsKey: z
    .string()
    .regex(
      /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
      'is not a key name: write "projects/P/locations/L/keyRings/R/cryptoKeys/K" (`gcloud kms keys list`)',
    )
    .optional(),
  /** Reserves the address that everything leaves from, for allowlists of others. Default: Google chooses it. */
  reservedAddress: z.boolean().default(false),
  /** Protects the machine, its data and its token from deletion and replacement. */
  protect: z.boolean().default(true),
});
export type HostConfig = z.infer<typeof HostConfig>;

/** `k3s`: the release on the machine. Default: the pinned release. */
export const K3sConfig = z
  .strictObject({
    version: z
      .string()
      .regex(K3S_VERSION, 'is not a k3s release: write it in full, for example "v1.36.3+k3s1"')
      .default(pinned.version),
    /** SHA-256 of the release's binary for the machine's CPU architecture. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "is not a SHA-256: write 64 lower-case hex digits")
      .optional(),
  })
  .superRefine((value, context) => {
    const message = releaseProblem(value.version);
    if (message !== undefined) context.addIssue({ code: "custom", path: ["version"], message });
    if (value.sha256 !== undefined || value.version === pinned.version) return;
    context.addIssue({
      code: "custom",
      path: ["sha256"],
      message: `is missing for ${value.version}: copy it from that release's sha256sum-amd64.txt, line \`k3s\` (Arm: sha256sum-arm64.txt, line \`k3s-arm64\`)`,
    });
  });
export type K3sConfig = z.infer<typeof K3sConfig>;
