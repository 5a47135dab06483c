import { readFileSync } from "node:fs";

/** A process that cannot be confused with a later one of the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since the machine did. */
  readonly startTimeTicks: number;
  /** Which start of the machine that was. */
  readonly bootId: string;
}

/** The start time in the text of `/proc/<pid>/stat`; the name before it may contain anything. */
export function startTimeTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[19]);
}

/** Identifies a running process; undefined if there is none of that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    return {
      pid,
      startTimeTicks: startTimeTicks(readFileSync(`/proc/${pid}/stat`, "utf8")),
      bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    };
  } catch {
    return undefined;
  }
}

/** Whether that very process still exists. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now?.startTimeTicks === identity.startTimeTicks && now.bootId === identity.bootId;
}
