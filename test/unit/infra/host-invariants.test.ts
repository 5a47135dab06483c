import { beforeAll, describe, expect, it } from "vitest";

import { HostConfig, K3sConfig } from "../../../infra/schema.ts";
import { hostStack } from "../../../stacks/host.ts";
import { type HostInputs, hostInvariants } from "./host-invariants.ts";
import { collect, type Registered } from "./resources.ts";

const SECRET = "the-generated-token";
const PASSWORD = "the-password-of-a-registry";
const INVARIANTS = hostInvariants([SECRET, PASSWORD]);

const HOSTS: Readonly<Record<string, object>> = {
  "with defaults": {},
  "with every option": {
    machineType: "c4a-standard-4",
    image: "debian-cloud/debian-13-arm64",
    snapshots: false,
    restoreFrom: "gateway-host-data-20261124030000",
    kmsKey: "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k",
    reservedAddress: true,
    registries: [{ location: "europe", repository: "agents", project: "other-project" }],
    pullCredentials: [{ registry: "ghcr.io", username: "octo-bot", password: PASSWORD }],
    logging: { namespaces: ["claude-gateway", "dev-e"] },
    alerts: { emails: ["oncall@example.com"] },
    protect: false,
  },
};
const graphs: Record<string, Registered[]> = {};
beforeAll(async () => {
  for (const [title, host] of Object.entries(HOSTS)) {
    const config = {
      gcp: { project: "my-project", zone: "europe-west1-b" },
      host: HostConfig.parse(host),
      k3s: K3sConfig.parse({}),
    };
    graphs[title] = (await collect("host", () => hostStack(config))).resources;
  }
});

/** The problems that each invariant finds. */
function findings(resources: readonly Registered[]): Record<string, string[]> {
  const found = Object.entries(INVARIANTS).map(
    ([name, check]) => [name, check(resources)] as const,
  );
  return Object.fromEntries(found.filter(([, problems]) => problems.length > 0));
}

it.each(Object.keys(HOSTS))("a host %s satisfies every invariant", (title) => {
  expect(graphs[title]?.length).toBeGreaterThan(15);
  expect(findings(graphs[title] ?? [])).toEqual({});
});

type Plant = (inputs: HostInputs) => unknown;

const onlyNic = ({ networkInterfaces: [nic] }: HostInputs) => nic ?? {};
const letsIn = ({ direction, allows }: HostInputs) =>
  direction === "INGRESS" && allows !== undefined;

/** Mistakes to plant into the inputs of resources of a type, each with the invariant that must find it. */
const DEFECTS: readonly [invariant: string, defect: string, type: string, Plant][] = [
  ["no external IP", "an address", "Instance", (i) => (onlyNic(i).accessConfigs = [{}])],
  [
    "no external IP",
    "an IPv6 address",
    "Instance",
    (i) => (onlyNic(i).ipv6AccessConfigs = [{ networkTier: "PREMIUM" }]),
  ],
  [
    "nothing but Identity-Aware Proxy comes in, to 22 and 6443",
    "every address",
    "Firewall",
    (i) => letsIn(i) && (i.sourceRanges = ["0.0.0.0/0"]),
  ],
  [
    "nothing but Identity-Aware Proxy comes in, to 22 and 6443",
    "another port",
    "Firewall",
    (i) => letsIn(i) && i.allows?.[0]?.ports.push("10250"),
  ],
  [
    "nothing but Identity-Aware Proxy comes in, to 22 and 6443",
    "no source range",
    "Firewall",
    (i) => letsIn(i) && delete i.sourceRanges,
  ],
  [
    "no firewall rule misses its opposite",
    "no deny rule",
    "Firewall",
    (i) => i.direction === "EGRESS" && i.denies && (i.denies = [{ protocol: "udp" }]),
  ],
  [
    "no secret in metadata, nor anywhere but in Secret Manager",
    "the token",
    "Instance",
    (i) => (i.metadata["startup-script"] = `echo ${SECRET}`),
  ],
  [
    "no secret in metadata, nor anywhere but in Secret Manager",
    "an unreviewed key",
    "Instance",
    (i) => (i.metadata["claude-gateway-token"] = "something"),
  ],
  [
    "least privilege",
    "a role for both secrets",
    "SecretIamMember",
    (i) => (i.role = "roles/secretmanager.admin"),
  ],
  ["least privilege", "reading logs", "IAMMember", (i) => (i.role = "roles/logging.viewer")],
  [
    "least privilege",
    "more than reading a repository",
    "RepositoryIamMember",
    (i) => (i.role = "roles/artifactregistry.writer"),
  ],
  [
    "no secret in metadata, nor anywhere but in Secret Manager",
    "a registry's password",
    "Instance",
    (i) => (i.metadata["startup-script"] = `docker login -p ${PASSWORD}`),
  ],
  [
    "least privilege",
    "the project's own account",
    "Instance",
    (i) => (i.serviceAccount.email = "123-compute@developer.gserviceaccount.com"),
  ],
  [
    "shielded, with OS Login",
    "no secure boot",
    "Instance",
    (i) => (i.shieldedInstanceConfig.enableSecureBoot = false),
  ],
  [
    "shielded, with OS Login",
    "keys in metadata",
    "Instance",
    (i) => (i.metadata["enable-oslogin"] = "FALSE"),
  ],
  [
    "a pinned release with its checksum, and nothing that runs unchecked",
    "no checksum",
    "Instance",
    (i) => (i.metadata["claude-gateway-k3s"] = "v1.36.3+k3s1"),
  ],
  [
    "a pinned release with its checksum, and nothing that runs unchecked",
    "k3s's own installer",
    "Instance",
    (i) => (i.metadata["startup-script"] = "curl -sfL https://get.k3s.io | sh -"),
  ],
];

describe("an invariant fails", () => {
  it.each(DEFECTS)("%s: %s", (invariant, _, type, plant) => {
    const resources = structuredClone(graphs["with every option"] ?? []);
    for (const one of resources)
      if (one.type.endsWith(`:${type}`)) plant(one.inputs as unknown as HostInputs);
    expect(Object.keys(findings(resources))).toEqual([invariant]);
  });

  it("least privilege: with a role on the whole project", () => {
    const type = "gcp:projects/iAMMember:IAMMember";
    const inputs = { role: "roles/editor" } as unknown as Registered["inputs"];
    const more = { type, name: "project-wide", inputs, protect: false };
    const resources = [...(graphs["with defaults"] ?? []), more];
    expect(findings(resources)).toEqual({ "least privilege": ["project-wide grants more"] });
  });

  it("each of them, with some planted mistake", () => {
    const seen = new Set(DEFECTS.map(([invariant]) => invariant));
    expect([...seen].sort()).toEqual(Object.keys(INVARIANTS).sort());
  });
});
