import { readdirSync, readFileSync } from "node:fs";

/** CPU time and memory of processes. */
export interface Usage {
  /** CPU seconds since each process started. */
  readonly cpuSeconds: number;
  /**
   * Resident set size. The proportional one would make an Envoy look smaller while an Envoy of another path has the same
   * program in memory.
   */
  readonly rssBytes: number;
}

/** Ticks per second in `/proc`; the same on every Linux that Node supports. */
const TICKS = 100;

/** CPU time and memory of processes with all of their descendants. */
export function usage(roots: readonly number[]): Usage {
  const pids = withDescendants(roots, parents());
  return {
    cpuSeconds: sum(pids.map(cpuSecondsOf)),
    rssBytes: sum(pids.map((pid) => parseResident(read(`/proc/${pid}/status`) ?? ""))),
  };
}

/** CPU seconds of processes with all of their descendants. Cheap enough to call often. */
export function cpuSeconds(roots: readonly number[]): number {
  return sum(withDescendants(roots, parents()).map(cpuSecondsOf));
}

/** The processes and all of their descendants, each once. */
export function withDescendants(
  roots: readonly number[],
  parentOf: ReadonlyMap<number, number>,
): number[] {
  const found = new Set(roots);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parentOf) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** `utime` plus `stime` from `/proc/PID/stat`, in seconds, and the parent. */
export function parseStat(line: string): { readonly parent: number; readonly cpuSeconds: number } {
  // The second field is the program's name, which may contain spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return {
    parent: Number(fields[1]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
  };
}

/** `VmRSS` of `/proc/PID/status`, in bytes; 0 for a process that has ended. */
export function parseResident(text: string): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** Seconds in which this machine's CPUs had work but the hypervisor ran another machine. */
export function stolenSeconds(): number {
  return parseStolen(read("/proc/stat") ?? "");
}

/** `steal` of all CPUs in `/proc/stat`, in seconds; 0 where there is none. */
export function parseStolen(text: string): number {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ");
  return Number(fields?.[7] ?? 0) / TICKS;
}

function parents(): ReadonlyMap<number, number> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.flatMap((pid) => {
      const stat = read(`/proc/${pid}/stat`);
      return stat === undefined ? [] : [[Number(pid), parseStat(stat).parent] as const];
    }),
  );
}

function cpuSecondsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? 0 : parseStat(stat).cpuSeconds;
}

/** A process may end while it is being read. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
