import { z } from "zod";

import { K3S_VERSION, pinnedK3s as pinned, releaseProblem } from "./machine/k3s-release.ts";

/** `gcp:project` and `gcp:zone`, the provider's own configuration: the two things every host stack needs. */
export const GcpConfig = z.strictObject({
  project: z
    .string()
    .regex(
      /^[a-z][-a-z0-9]{4,28}[a-z0-9]$/,
      "is no project id: write the id, as `gcloud projects list` shows it, not the display name or number",
    ),
  zone: z
    .string()
    .regex(
      /^[a-z]+-[a-z]+[0-9]+-[a-z]$/,
      'is no zone: write it with its letter, as "us-central1-a" (`gcloud compute zones list`)',
    ),
});
export type GcpConfig = z.infer<typeof GcpConfig>;

/** How many GB a disk may have: the least that still works, and GCE's own most. */
function DiskGb(least: number, why: string) {
  return z
    .int("is no whole number of GB")
    .min(least, `is too small: at least ${least}, because ${why}`)
    .max(65_536, "is more than the 65536 GB a disk on GCE can have");
}

const Snapshots = z.strictObject({
  /** Days that a snapshot is kept. */
  keepDays: z.int().min(1).max(365).default(7),
  /** Hour of day, UTC, when the data disk is snapshotted. */
  hourUtc: z
    .int()
    .min(0, "is no hour: write 0 to 23")
    .max(23, "is no hour: write 0 to 23")
    .default(3),
});

/** `host`: the machine. Every key has a default. */
export const HostConfig = z.strictObject({
  /** e2-standard-4: k3s, the gateway with LiteLLM and a handful of agents; see the README for sizes and cost. */
  machineType: z
    .string()
    .regex(
      /^[a-z][a-z0-9]*-[-a-z0-9]+$/,
      'is no machine type: write it as "e2-standard-4" (`gcloud compute machine-types list`)',
    )
    .default("e2-standard-4"),
  /** Debian image; defaults to Debian 13 for the processor that `machineType` has. */
  image: z
    .string()
    .regex(
      /^[-a-z0-9.:]+\/[-a-z0-9]+$/,
      'is no image: write "<project>/<image or family>", as "debian-cloud/debian-13"',
    )
    .optional(),
  bootDiskGb: DiskGb(20, "the kubelet keeps pod logs and scratch space there").default(30),
  dataDiskGb: DiskGb(20, "container images and the cluster's datastore live there").default(50),
  /** Daily snapshots of the data disk; none unless set. `{}` takes the defaults. */
  snapshots: Snapshots.optional(),
  /** Existing Cloud KMS key for both disks; Google's own encryption unless set. */
  kmsKey: z
    .string()
    .regex(
      /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
      'is no key name: write "projects/P/locations/L/keyRings/R/cryptoKeys/K" (`gcloud kms keys list`)',
    )
    .optional(),
  /** Keeps the machine, its data and its token from being deleted or replaced. */
  protect: z.boolean().default(true),
});
export type HostConfig = z.infer<typeof HostConfig>;

/** `k3s`: the release on the machine. Without it, the pinned one. */
export const K3sConfig = z
  .strictObject({
    version: z
      .string()
      .regex(K3S_VERSION, 'is no k3s release: write it in full, as "v1.36.3+k3s1"')
      .default(pinned.version),
    /** SHA-256 of the release's binary for the machine's processor. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "is no SHA-256: write its 64 lower-case hex digits")
      .optional(),
  })
  .superRefine((value, context) => {
    const message = releaseProblem(value.version);
    if (message !== undefined) context.addIssue({ code: "custom", path: ["version"], message });
    if (value.sha256 !== undefined || value.version === pinned.version) return;
    context.addIssue({
      code: "custom",
      path: ["sha256"],
      message: `is missing for ${value.version}: take the line of \`k3s\` (arm64: \`k3s-arm64\`) from sha256sum-amd64.txt (sha256sum-arm64.txt) among that release's files`,
    });
  });
export type K3sConfig = z.infer<typeof K3sConfig>;
