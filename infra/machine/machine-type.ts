/** CPU architectures that k3s is published for. */
export type Architecture = "amd64" | "arm64";

interface Series {
  readonly architecture: Architecture;
  /** Type of both disks. The newer series take Hyperdisk only, and the older ones that are listed take no Hyperdisk. */
  readonly disk: "pd-balanced" | "hyperdisk-balanced";
  /** Memory for each vCPU in GB, by class; where Google offers several, the smallest. */
  readonly gbPerCpu: {
    readonly standard: number;
    readonly highmem: number;
    readonly highcpu: number;
  };
}

const older: Series = {
  architecture: "amd64",
  disk: "pd-balanced",
  gbPerCpu: { standard: 4, highmem: 8, highcpu: 1 },
};
const newer: Series = {
  architecture: "amd64",
  disk: "hyperdisk-balanced",
  gbPerCpu: { standard: 4, highmem: 8, highcpu: 2 },
};

/**
 * The machine series that a host can have: those for general use, and those with more of the CPU. Those for GPUs, very
 * much memory, fast local disks or clusters of machines gain nothing for agents, and each has rules of its own for disks.
 * https://cloud.google.com/compute/docs/machine-resource and https://cloud.google.com/compute/docs/disks/hyperdisks
 */
const SERIES: Readonly<Record<string, Series>> = {
  e2: older,
  n1: { ...older, gbPerCpu: { standard: 3.75, highmem: 6.5, highcpu: 0.9 } },
  n2: older,
  n2d: older,
  t2a: { ...older, architecture: "arm64" },
  t2d: older,
  c2: older,
  c2d: { ...older, gbPerCpu: { ...older.gbPerCpu, highcpu: 2 } },
  // These two take both kinds of disk.
  c3: { ...older, gbPerCpu: { ...older.gbPerCpu, highcpu: 2 } },
  c3d: { ...older, gbPerCpu: { ...older.gbPerCpu, highcpu: 2 } },
  n4: newer,
  n4a: { ...newer, architecture: "arm64" },
  n4d: newer,
  c4: { ...newer, gbPerCpu: { standard: 3.75, highmem: 7.75, highcpu: 2 } },
  c4a: { ...newer, architecture: "arm64" },
  c4d: { ...newer, gbPerCpu: { standard: 3.75, highmem: 7.75, highcpu: 1.875 } },
};

/** What a machine type has. */
export interface MachineType {
  readonly architecture: Architecture;
  readonly disk: Series["disk"];
  readonly cpus: number;
  /** At least this much memory, in GB. */
  readonly memoryGb: number;
}

/** Smallest memory with which k3s, a gateway and an agent run. */
const LEAST_MEMORY_GB = 4;

/** What Google's name of a machine type says; `undefined` if no host can have this type. */
function parse(name: string): MachineType | undefined {
  const [, series = "", rest = ""] = /^([a-z0-9]+)-(.+)$/.exec(name) ?? [];
  const found = Object.hasOwn(SERIES, series) ? SERIES[series] : undefined;
  if (found === undefined) return undefined;
  const { architecture, disk, gbPerCpu } = found;
  if (name === "e2-medium") return { architecture, disk, cpus: 2, memoryGb: 4 };
  const [, kind, cpus] = /^(standard|highmem|highcpu)-(\d+)(?:-lssd)?$/.exec(rest) ?? [];
  if (kind !== undefined) {
    const memoryGb = Number(cpus) * gbPerCpu[kind as keyof Series["gbPerCpu"]];
    return { architecture, disk, cpus: Number(cpus), memoryGb };
  }
  const [, own, memoryMb] = /^custom-(\d+)-(\d+)(?:-ext)?$/.exec(rest) ?? [];
  return own === undefined
    ? undefined
    : { architecture, disk, cpus: Number(own), memoryGb: Number(memoryMb) / 1024 };
}

/** Says why a host cannot have this machine type, and what to set; `undefined` if it can. */
export function machineTypeProblem(name: string): string | undefined {
  const type = parse(name);
  if (type === undefined) {
    return (
      `is not a machine type that a host can have: take one of the series ${Object.keys(SERIES).join(", ")}, ` +
      "named <series>-standard|highmem|highcpu-<vCPUs> or <series>-custom-<vCPUs>-<MB>. Others, and those that end in " +
      "-metal, need disks that this stack does not make"
    );
  }
  return type.memoryGb < LEAST_MEMORY_GB
    ? `has ${type.memoryGb} GB of memory, too little for k3s, a gateway and an agent: take one with at least ${LEAST_MEMORY_GB}`
    : undefined;
}

/** What a machine type has. Throws if {@link machineTypeProblem} has something to say about it. */
export function machineType(name: string): MachineType {
  const type = parse(name);
  if (type === undefined) throw new Error(`${name} ${machineTypeProblem(name) ?? ""}`);
  return type;
}
