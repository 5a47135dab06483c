import { z } from "zod";

import { hostNameProblem } from "../components/schema/fields.ts";
import { K3S_VERSION, pinnedK3s as pinned, releaseProblem } from "./machine/k3s-release.ts";
import { DAYS } from "./machine/maintenance.ts";
import { machineTypeProblem } from "./machine/machine-type.ts";
import { DRAIN_SECONDS } from "./machine/node-settings.ts";

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

const Hour = z
  .int("is not an hour: write 0 to 23")
  .min(0, "is not an hour: write 0 to 23")
  .max(23, "is not an hour: write 0 to 23");

const Snapshots = z.strictObject({
  /** Days that a snapshot is kept. */
  keepDays: z.int().min(1).max(365).default(7),
  /** Hour of the day (UTC) at which the data disk is snapshotted. */
  hourUtc: Hour.default(3),
});

const Window = z.strictObject({
  /** Day of the week, or `daily`. */
  day: z.enum([...DAYS, "daily"]).default("sunday"),
  /** Hour of the day (UTC) at which the window opens. */
  hourUtc: Hour.default(4),
  /** Length of the window in hours. The machine looks every five minutes. */
  hours: z
    .int("is not a number of hours: write 1 to 12")
    .min(1, "is not a number of hours: write 1 to 12")
    .max(12, "is not a number of hours: write 1 to 12")
    .default(2),
  /** Whether the machine restarts itself in the window when a new kernel waits. Every pod ends with it. */
  reboot: z.boolean().default(true),
  /** Longest time in seconds that agents' pods get to end before the machine shuts down. */
  drainSeconds: z
    .int("is not a whole number of seconds")
    .min(0, "is negative: write 0 to 3600")
    .max(3600, "is too long: write 0 to 3600")
    .default(DRAIN_SECONDS),
});

const Repository = z.strictObject({
  location: z
    .string()
    .regex(
      /^[a-z]+(-[a-z]+[0-9]+)?$/,
      'is not a location of Artifact Registry: write "europe-west1" or "europe", as in the host name before -docker.pkg.dev',
    )
    .describe("Region or multi-region of the repository."),
  repository: z
    .string()
    .regex(
      /^([a-z]([-a-z0-9]{0,61}[a-z0-9])?|((us|eu|asia)\.)?gcr\.io)$/,
      "is not a repository's name: write the part after the project in LOCATION-docker.pkg.dev/PROJECT/REPOSITORY",
    )
    .describe("Name of the repository."),
  project: GcpConfig.shape.project
    .optional()
    .describe("Project of the repository. Default: that of the host, `gcp:project`."),
});

/** Why the registry's credentials cannot be used by a host; `undefined` if they can. */
function registryProblem(registry: string): string | undefined {
  if (/(^|\.)docker\.com$|^index\.docker\.io$|^registry-1\.docker\.io$/.test(registry)) {
    return 'is not how images name Docker Hub: write "docker.io"';
  }
  if (registry.endsWith("-docker.pkg.dev")) {
    return "is Artifact Registry, for which the machine's own account is used: name the repository in host.registries instead";
  }
  return hostNameProblem(registry);
}

const PullCredentials = z.strictObject({
  registry: z
    .string()
    .superRefine((value, context) => {
      const message = registryProblem(value);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .describe('Host name of the registry, for example "ghcr.io"; "docker.io" for Docker Hub.'),
  username: z.string().min(1, "is empty").describe("User that may pull, and nothing more."),
  password: z
    .string()
    .min(
      1,
      "is empty: set it with pulumi config set --secret --path 'host.pullCredentials[0].password'",
    )
    .describe("Its password or token: a secret."),
});
export type PullCredentials = z.infer<typeof PullCredentials>;

/** A list in which each entry has a key of its own. */
function distinct<Entry extends z.ZodType>(
  entry: Entry,
  key: (value: z.infer<Entry>) => string,
  field: string,
) {
  return z
    .array(entry)
    .superRefine((values, context) => {
      const keys = values.map(key);
      for (const [index, each] of keys.entries()) {
        const first = keys.indexOf(each);
        if (first === index) continue;
        const message = `is there twice: the entry [${first}] is the same; remove one`;
        context.addIssue({ code: "custom", path: [index, field], message });
      }
    })
    .default([]);
}

const Logging = z.strictObject({
  retentionDays: z
    .int("is not a whole number of days")
    .min(1, "is too short: at least 1 day")
    .max(3650, "is too long: at most 3650 days")
    .default(30)
    .describe("Days that a line is kept. Google charges for what is kept longer than 30."),
  namespaces: z
    .array(
      z
        .string()
        .regex(
          /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|\*)$/,
          'is not a namespace: write its name, or "*" for all',
        ),
    )
    .default(["claude-gateway"])
    .describe(
      "Namespaces whose pods' logs are sent, besides kube-system's: the gateway's, and each agent's whose logs should outlive its pods.",
    ),
});

const Alerts = z
  .strictObject({
    emails: z
      .array(
        z
          .string()
          .regex(/^[^@\s]+@[^@\s]+\.[^@\s]+$/, 'is not an address: write "somebody@example.com"'),
      )
      .default([])
      .describe("Addresses that get a mail. Each becomes a notification channel."),
    channels: z
      .array(
        z
          .string()
          .regex(
            /^projects\/[^/]+\/notificationChannels\/[0-9]+$/,
            'is not a notification channel: write "projects/P/notificationChannels/N" (`gcloud beta monitoring channels list`)',
          ),
      )
      .default([])
      .describe("Existing notification channels of Cloud Monitoring."),
  })
  .superRefine(({ emails, channels }, context) => {
    if (emails.length + channels.length > 0) return;
    context.addIssue({
      code: "custom",
      message: "tells nobody: set emails or channels, or remove the key",
    });
  });

/** `host`: the machine. Every key has a default. */
export const HostConfig = z.strictObject({
  /** The default, e2-standard-4, runs k3s, the gateway with LiteLLM and a handful of agents; see the README for sizes and cost. */
  machineType: z
    .string()
    .superRefine((value, context) => {
      const message = machineTypeProblem(value);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
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
  /** Daily snapshots of the data disk. `false`: none. */
  snapshots: z
    .union([z.literal(false), Snapshots], {
      error: () =>
        "is neither false nor {keepDays, hourUtc}: keepDays is a whole number from 1 to 365, hourUtc one from 0 to 23",
    })
    .prefault({}),
  /**
   * Snapshot from which the data disk is made. Setting it makes a new disk and a new machine; the key must stay set
   * afterwards, because it is part of what the disk is. Default: an empty disk.
   */
  restoreFrom: z
    .string()
    .regex(
      /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/,
      "is not a snapshot's name: `gcloud compute snapshots list` shows it",
    )
    .optional(),
  /** Existing Cloud KMS key for both disks. Default: Google's own encryption. */
  kmsKey: z
    .string()
    .regex(
      /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
      'is not a key name: write "projects/P/locations/L/keyRings/R/cryptoKeys/K" (`gcloud kms keys list`)',
    )
    .optional(),
  /** When the machine may restart k3s or itself. `false`: never. */
  maintenance: z
    .union([z.literal(false), Window], {
      error: () =>
        "is neither false nor {day, hourUtc, hours, reboot, drainSeconds}: day is a day of the week or daily, hourUtc from 0 to 23, hours from 1 to 12, reboot true or false, drainSeconds from 0 to 3600",
    })
    .prefault({}),
  /** Reserves the address that everything leaves from, for allowlists of others. Default: Google chooses it. */
  reservedAddress: z.boolean().default(false),
  /** Repositories of Artifact Registry from which the machine pulls with its own account. */
  registries: distinct(
    Repository,
    ({ project = "", location, repository }) => [project, location, repository].join("/"),
    "repository",
  ),
  /** Credentials of other private registries. A changed password counts at the next pull. */
  pullCredentials: distinct(PullCredentials, ({ registry }) => registry, "registry"),
  /** Sends the logs of pods, audit and system to Cloud Logging with Google's Ops Agent. Default: they stay on the machine. */
  logging: Logging.optional(),
  /** Who is told when something about the machine needs a person. Default: nobody, and no alerts are made. */
  alerts: Alerts.optional(),
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
