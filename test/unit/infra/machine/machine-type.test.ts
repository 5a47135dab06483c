import { describe, expect, it } from "vitest";

import { machineType, machineTypeProblem } from "../../../../infra/machine/machine-type.ts";

const PD = "pd-balanced";
const HYPERDISK = "hyperdisk-balanced";

it.each([
  ["e2-medium", "amd64", PD, 2, 4],
  ["e2-standard-4", "amd64", PD, 4, 16],
  ["n1-standard-4", "amd64", PD, 4, 15],
  ["n2-highmem-8", "amd64", PD, 8, 64],
  ["n2d-custom-6-20480", "amd64", PD, 6, 20],
  ["n2-custom-2-65536-ext", "amd64", PD, 2, 64],
  ["t2a-standard-4", "arm64", PD, 4, 16],
  ["t2d-standard-4", "amd64", PD, 4, 16],
  ["c2-standard-8", "amd64", PD, 8, 32],
  ["c2d-highcpu-8", "amd64", PD, 8, 16],
  ["c3-standard-4-lssd", "amd64", PD, 4, 16],
  ["c3d-highmem-8", "amd64", PD, 8, 64],
  ["n4-standard-4", "amd64", HYPERDISK, 4, 16],
  ["n4a-standard-4", "arm64", HYPERDISK, 4, 16],
  ["n4d-custom-4-12288", "amd64", HYPERDISK, 4, 12],
  ["c4-standard-4", "amd64", HYPERDISK, 4, 15],
  ["c4a-highcpu-4", "arm64", HYPERDISK, 4, 8],
  ["c4d-highmem-8-lssd", "amd64", HYPERDISK, 8, 62],
] as const)(
  "%s is %s with %s disks, %i vCPUs and %i GB",
  (name, architecture, disk, cpus, memoryGb) => {
    expect(machineTypeProblem(name)).toBeUndefined();
    expect(machineType(name)).toEqual({ architecture, disk, cpus, memoryGb });
  },
);

describe("a machine type that no host can have", () => {
  it.each([
    // Hyperdisk only, in series that are not for general use.
    ...["m4-megamem-28", "x4-megamem-960-metal", "h4d-standard-192", "a4-highgpu-8g"],
    ...["a3-ultragpu-8g", "a4x-highgpu-4g", "g4-standard-48", "z3-standard-88-highlssd"],
    ...["c3-standard-192-metal", "c4a-highmem-96-metal", "f1-micro", "e2-small", "toString-2"],
    "c9-standard-4",
  ])("%s is refused, and the series to take are named", (name) => {
    expect(machineTypeProblem(name)).toContain(
      "take one of the series e2, n1, n2, n2d, t2a, t2d, c2, c2d, c3, c3d, n4, n4a, n4d, c4, c4a, c4d, named",
    );
    expect(() => machineType(name)).toThrow(name);
  });

  it("has too little memory", () => {
    expect(machineTypeProblem("n1-highcpu-4")).toBe(
      "has 3.6 GB of memory, too little for k3s, a gateway and an agent: take one with at least 4",
    );
  });
});
