import { describe, expect, it } from "vitest";
import type { z } from "zod";

import { GcpConfig, HostConfig, K3sConfig } from "../../../infra/schema.ts";

function problems(schema: z.ZodType, value: unknown): Record<string, string> {
  const parsed = schema.safeParse(value);
  const issues = parsed.success ? [] : parsed.error.issues;
  return Object.fromEntries(issues.map(({ path, message }) => [path.join("."), message]));
}

const pull = (registry: string, password = "p") => ({
  pullCredentials: [{ registry, username: "octo-bot", password }],
});

describe("HostConfig", () => {
  it("has a default for every key", () => {
    expect(HostConfig.parse({})).toEqual({
      machineType: "e2-standard-4",
      bootDiskGb: 30,
      dataDiskGb: 50,
      snapshots: { keepDays: 7, hourUtc: 3 },
      maintenance: { day: "sunday", hourUtc: 4, hours: 2, reboot: true, drainSeconds: 900 },
      reservedAddress: false,
      registries: [],
      pullCredentials: [],
      protect: true,
    });
  });

  it("makes no snapshots on request", () => {
    expect(HostConfig.parse({ snapshots: false }).snapshots).toBe(false);
  });

  it("accepts every option", () => {
    const all = {
      machineType: "c4a-standard-4",
      image: "debian-cloud/debian-13-arm64",
      bootDiskGb: 20,
      dataDiskGb: 200,
      snapshots: { keepDays: 30, hourUtc: 0 },
      restoreFrom: "gateway-host-data-20261124030000",
      maintenance: { day: "daily", hourUtc: 22, hours: 3, reboot: false, drainSeconds: 60 },
      kmsKey: "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k",
      reservedAddress: true,
      registries: [
        { location: "europe-west1", repository: "agents" },
        { location: "us", repository: "gcr.io", project: "other-project" },
      ],
      pullCredentials: [
        { registry: "ghcr.io", username: "octo-bot", password: "p" },
        { registry: "docker.io", username: "octo-bot", password: "p" },
      ],
      logging: { retentionDays: 90, namespaces: ["claude-gateway", "dev-e"] },
      alerts: { emails: ["a@example.com"], channels: ["projects/p/notificationChannels/1"] },
      protect: false,
    };
    expect(HostConfig.parse(all)).toEqual(all);
  });

  it.each([
    [{ machineType: "large" }, "machineType", "is not a machine type that a host can have"],
    [{ machineType: "m4-megamem-28" }, "machineType", "take one of the series e2, n1, n2"],
    [{ machineType: "e2-micro" }, "machineType", "take one of the series"],
    [{ machineType: "e2-highcpu-2" }, "machineType", "has 2 GB of memory, too little"],
    [{ image: "debian-13" }, "image", '"debian-cloud/debian-13"'],
    [{ bootDiskGb: 10 }, "bootDiskGb", "at least 20"],
    [{ dataDiskGb: 19.5 }, "dataDiskGb", "whole number"],
    [{ dataDiskGb: 70_000 }, "dataDiskGb", "65536"],
    [{ snapshots: { hourUtc: 24 } }, "snapshots.hourUtc", "0 to 23"],
    [{ snapshots: true }, "snapshots", "neither false nor {keepDays, hourUtc}"],
    [{ maintenance: { day: "sun" } }, "maintenance", "day is a day of the week or daily"],
    [{ maintenance: { hours: 0 } }, "maintenance.hours", "1 to 12"],
    [{ maintenance: { drainSeconds: 4000 } }, "maintenance.drainSeconds", "0 to 3600"],
    [{ restoreFrom: "projects/p/snapshots/s" }, "restoreFrom", "gcloud compute snapshots list"],
    [{ reservedAddress: "203.0.113.7" }, "reservedAddress", "expected boolean"],
    [{ kmsKey: "my-key" }, "kmsKey", "projects/P/locations/L/keyRings/R/cryptoKeys/K"],
    [{ protected: true }, "", "protected"],
    [{ logging: { retentionDays: 0 } }, "logging.retentionDays", "at least 1 day"],
    [{ logging: { namespaces: ["dev_e"] } }, "logging.namespaces.0", 'or "*" for all'],
    [{ alerts: {} }, "alerts", "tells nobody: set emails or channels, or remove the key"],
    [{ alerts: { emails: ["oncall"] } }, "alerts.emails.0", 'write "somebody@example.com"'],
    [
      { alerts: { channels: ["123"] } },
      "alerts.channels.0",
      'write "projects/P/notificationChannels/N"',
    ],
    [
      { registries: [{ location: "europe-west1-b", repository: "agents" }] },
      "registries.0.location",
      "before -docker.pkg.dev",
    ],
    [
      { registries: [{ location: "eu-docker.pkg.dev", repository: "agents" }] },
      "registries.0.location",
      "before -docker.pkg.dev",
    ],
    [
      { registries: [{ location: "europe", repository: "p/agents" }] },
      "registries.0.repository",
      "LOCATION-docker.pkg.dev/PROJECT/REPOSITORY",
    ],
    [
      { registries: [{ location: "europe", repository: "agents", project: "My Project" }] },
      "registries.0.project",
      "is not a project id",
    ],
    [
      {
        registries: [
          { location: "europe", repository: "agents" },
          { location: "us", repository: "agents" },
          { location: "europe", repository: "agents" },
        ],
      },
      "registries.2.repository",
      "is there twice: the entry [0] is the same; remove one",
    ],
    [
      pull("https://ghcr.io"),
      "pullCredentials.0.registry",
      'is a URL: write only the host name, "ghcr.io"',
    ],
    [pull("ghcr.io/octo-org"), "pullCredentials.0.registry", "includes a path"],
    [pull("registry.example.com:5000"), "pullCredentials.0.registry", "only TCP 443 is opened"],
    [pull("*.example.com"), "pullCredentials.0.registry", "is a wildcard"],
    [pull("index.docker.io"), "pullCredentials.0.registry", 'write "docker.io"'],
    [pull("hub.docker.com"), "pullCredentials.0.registry", 'write "docker.io"'],
    [
      pull("europe-docker.pkg.dev"),
      "pullCredentials.0.registry",
      "name the repository in host.registries instead",
    ],
    [
      pull("ghcr.io", ""),
      "pullCredentials.0.password",
      "is empty: set it with pulumi config set --secret",
    ],
    [
      { pullCredentials: [...pull("ghcr.io").pullCredentials, ...pull("ghcr.io").pullCredentials] },
      "pullCredentials.1.registry",
      "is there twice: the entry [0] is the same",
    ],
  ])("rejects %j and names the fix", (value, path, part) => {
    const found = problems(HostConfig, value);
    expect(Object.keys(found)).toEqual([path]);
    expect(found[path]).toContain(part);
  });
});

describe("K3sConfig", () => {
  const sha256 = "a".repeat(64);

  it("defaults to the pinned release", () => {
    expect(K3sConfig.parse({})).toEqual({ version: "v1.36.3+k3s1" });
  });

  it("accepts another release with its checksum", () => {
    const other = { version: "v1.36.4+k3s1", sha256 };
    expect(K3sConfig.parse(other)).toEqual(other);
  });

  it("rejects another release without a checksum, and says where to find it", () => {
    const { sha256: message } = problems(K3sConfig, { version: "v1.36.4+k3s1" });
    expect(message).toContain("missing for v1.36.4+k3s1");
    expect(message).toContain("sha256sum-amd64.txt");
  });

  it.each(["stable", "latest", "v1.36", "1.36.3+k3s1", "v1.36.3", "v1.36.3+k3s1-rc1"])(
    "rejects the release %s",
    (version) => {
      expect(problems(K3sConfig, { version, sha256 }).version).toContain("v1.36.3+k3s1");
    },
  );

  it("rejects a release whose kubelet would ignore our settings", () => {
    expect(problems(K3sConfig, { version: "v1.31.14+k3s1", sha256 })).toEqual({
      version:
        "is too old: below v1.32, k3s overrules the kubelet settings of this stack; take v1.32 or later",
    });
    expect(problems(K3sConfig, { version: "v1.32.0+k3s1", sha256 })).toEqual({});
  });

  it.each(["", "A".repeat(64), "a".repeat(63), `${"a".repeat(64)} k3s`])(
    "rejects the checksum %j",
    (value) => {
      expect(problems(K3sConfig, { version: "v1.36.4+k3s1", sha256: value }).sha256).toContain(
        "64 lower-case hex digits",
      );
    },
  );
});

describe("GcpConfig", () => {
  it("accepts a project and a zone", () => {
    const both = { project: "my-project-1", zone: "europe-west1-b" };
    expect(GcpConfig.parse(both)).toEqual(both);
  });

  it("rejects a region in place of a zone", () => {
    expect(problems(GcpConfig, { project: "my-project-1", zone: "europe-west1" }).zone).toContain(
      "with its letter",
    );
  });
});
