import { kubeletSettings } from "./node-settings.ts";

/** What a host stack says about its machine, in its output `size`. */
export interface MachineSize {
  readonly cpus: number;
  readonly memoryGb: number;
  readonly bootDiskGb: number;
}

/** What all pods of a machine may request together. */
export interface Room {
  readonly milliCpus: number;
  readonly memoryMib: number;
  /** For logs and scratch volumes, on the boot disk. */
  readonly scratchMib: number;
}

/** The kernel and the firmware keep some of the memory to themselves. */
const VISIBLE_MEMORY = 0.97;

/** What Debian, its packages and k3s itself take of the boot disk. */
const SYSTEM_DISK_MIB = 4 * 1024;

/** What is left of a machine besides what the kubelet reserves and what it always keeps free. */
export function roomForPods(size: MachineSize): Room {
  const { kubeReserved: k3s, systemReserved: system, evictionHard } = kubeletSettings;
  const diskMib = (size.bootDiskGb * 1e9) / 2 ** 20;
  const keptFree = Number.parseInt(evictionHard["nodefs.available"]) / 100;
  return {
    milliCpus: size.cpus * 1000 - milli(k3s.cpu) - milli(system.cpu),
    memoryMib: Math.floor(
      size.memoryGb * 1024 * VISIBLE_MEMORY -
        mib(k3s.memory) -
        mib(system.memory) -
        mib(evictionHard["memory.available"]),
    ),
    scratchMib: Math.floor(
      diskMib * (1 - keptFree) -
        mib(k3s["ephemeral-storage"]) -
        mib(system["ephemeral-storage"]) -
        SYSTEM_DISK_MIB,
    ),
  };
}

/** The output `size` of a host stack; `undefined` if an older release wrote the outputs. */
export function readMachineSize(output: unknown): MachineSize | undefined {
  const { cpus, memoryGb, bootDiskGb } = (output ?? {}) as Partial<
    Record<keyof MachineSize, unknown>
  >;
  return typeof cpus === "number" && typeof memoryGb === "number" && typeof bootDiskGb === "number"
    ? { cpus, memoryGb, bootDiskGb }
    : undefined;
}

function milli(cpu: string): number {
  return Number.parseInt(cpu);
}

function mib(amount: string): number {
  return Number.parseInt(amount) * (amount.endsWith("Gi") ? 1024 : 1);
}
