import { isDeepStrictEqual } from "node:util";

import type { Registered } from "./resources.ts";

/** A rule for every host. It returns the names of what breaks it. */
type Invariant = (resources: readonly Registered[]) => string[];

/** The inputs of a host's resources that rules read. Each type has some of them. */
export interface HostInputs {
  networkInterfaces: { accessConfigs?: unknown[]; ipv6AccessConfigs?: unknown[] }[];
  metadata: Record<string, string>;
  serviceAccount: { email: string };
  shieldedInstanceConfig: Record<string, boolean>;
  direction: string;
  priority: number;
  sourceRanges?: string[];
  allows?: { protocol: string; ports: string[] }[];
  denies?: { protocol: string }[];
  secretId?: string;
  repository?: string;
  role: string;
}

/** The only roles of the machine on secrets, each on one. */
const GRANTS: Readonly<Record<string, string>> = {
  "secrets-k3s-token-id": "roles/secretmanager.secretAccessor",
  "secrets-pull-credentials-id": "roles/secretmanager.secretAccessor",
  "secrets-kubeconfig-id": "roles/secretmanager.secretVersionManager",
};
/** The only roles of the machine in the project, with `host.logging`: it may write, and read nothing. */
const LOG_ROLES = ["roles/logging.logWriter", "roles/monitoring.metricWriter"];
const METADATA_KEYS = [
  ...["block-project-ssh-keys", "enable-guest-attributes", "enable-oslogin", "serial-port-enable"],
  ...["claude-gateway-k3s", "claude-gateway-kubeconfig-secret", "claude-gateway-token-secret"],
  ...["claude-gateway-maintenance", "claude-gateway-pull-secret", "startup-script"],
  ...["claude-gateway-logging", "serial-port-logging-enable"],
];
/** The resources that contain a secret's value: only those of Secret Manager. */
const SECRET_HOLDER = "gcp:secretmanager/secretVersion:SecretVersion";

const FROM_IAP = [["35.235.240.0/20"], [{ protocol: "tcp", ports: ["22", "6443"] }]];

interface Resource {
  readonly name: string;
  readonly inputs: HostInputs;
}

function of(resources: readonly Registered[], type: string): Resource[] {
  return resources
    .filter((one) => one.type.endsWith(`:${type}`))
    .map(({ name, inputs }) => ({ name, inputs: inputs as unknown as HostInputs }));
}

/** What the README promises about a host with any options. `secrets` are the texts that only Secret Manager may have. */
export function hostInvariants(secrets: readonly string[]): Readonly<Record<string, Invariant>> {
  return {
    "no external IP": (resources) =>
      of(resources, "Instance").flatMap(({ name, inputs }) =>
        inputs.networkInterfaces
          .filter((nic) => nic.accessConfigs !== undefined || nic.ipv6AccessConfigs !== undefined)
          .map(() => `${name} has an external address`),
      ),
    "nothing but Identity-Aware Proxy comes in, to 22 and 6443": (resources) =>
      of(resources, "Firewall")
        .filter(({ inputs }) => inputs.direction === "INGRESS" && inputs.allows !== undefined)
        .filter(({ inputs: { sourceRanges, allows } }) => {
          return !isDeepStrictEqual([sourceRanges, allows], FROM_IAP);
        })
        .map(({ name }) => `${name} allows other traffic in`),
    "no firewall rule misses its opposite": (resources) =>
      ["INGRESS", "EGRESS"].filter(
        (direction) =>
          !of(resources, "Firewall").some(
            ({ inputs }) =>
              inputs.direction === direction &&
              isDeepStrictEqual(inputs.denies, [{ protocol: "all" }]) &&
              inputs.priority === 65_534,
          ),
      ),
    "no secret in metadata, nor anywhere but in Secret Manager": (resources) => [
      ...of(resources, "Instance").flatMap(({ inputs }) =>
        Object.keys(inputs.metadata).filter((key) => !METADATA_KEYS.includes(key)),
      ),
      ...resources
        .filter(({ type, inputs }) => {
          const text = JSON.stringify(inputs);
          return type !== SECRET_HOLDER && secrets.some((secret) => text.includes(secret));
        })
        .map(({ name }) => `${name} contains a secret`),
    ],
    "least privilege": (resources) => [
      ...resources
        .filter(({ type }) => /iam|binding/i.test(type))
        .map(({ name, inputs }) => ({ name, inputs: inputs as unknown as HostInputs }))
        .filter(({ inputs: { secretId, repository, role } }) => {
          if (secretId !== undefined) return GRANTS[secretId] !== role;
          return repository === undefined
            ? !LOG_ROLES.includes(role)
            : role !== "roles/artifactregistry.reader";
        })
        .map(({ name }) => `${name} grants more`),
      ...of(resources, "Instance")
        .filter(({ inputs }) => !inputs.serviceAccount.email.startsWith("gateway-"))
        .map(({ name }) => `${name} is not its own account`),
    ],
    "shielded, with OS Login": (resources) =>
      of(resources, "Instance").flatMap(({ inputs }) => [
        ...["enableSecureBoot", "enableVtpm", "enableIntegrityMonitoring"].filter(
          (name) => inputs.shieldedInstanceConfig[name] !== true,
        ),
        ...(inputs.metadata["enable-oslogin"] === "TRUE" ? [] : ["enable-oslogin"]),
        ...(inputs.metadata["block-project-ssh-keys"] === "TRUE" ? [] : ["project ssh keys"]),
      ]),
    "a pinned release with its checksum, and nothing that runs unchecked": (resources) =>
      of(resources, "Instance").flatMap(({ inputs }) => [
        ...(/^v\d+\.\d+\.\d+\+k3s\d+ [0-9a-f]{64}$/.test(
          inputs.metadata["claude-gateway-k3s"] ?? "",
        )
          ? []
          : ["claude-gateway-k3s names no release with a SHA-256"]),
        ...(/\|\s*(ba|da)?sh\b/.test(inputs.metadata["startup-script"] ?? "")
          ? ["the startup script pipes a download into a shell"]
          : []),
      ]),
  };
}
