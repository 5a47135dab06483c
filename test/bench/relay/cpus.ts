import { availableParallelism } from "node:os";

/** Commands that start a program so that it runs only on its own CPU. */
export interface Pinning {
  /** For the load generator and the upstream. */
  readonly traffic: readonly string[];
  /** For all processes of the path between them. */
  readonly path: readonly string[];
  /** Number of CPUs of the path, for programs that start one thread per CPU. */
  readonly pathCpus: number;
  /** The same as text, for the report. */
  readonly words: string;
}

/**
 * One CPU for both ends of the traffic and another for the path. So `direct` has as much CPU at both ends as every path, and
 * a path does not take CPU from the ends.
 */
export function pinning(cpus: number = availableParallelism()): Pinning {
  if (cpus < 2) {
    return {
      ...{ traffic: [], path: [], pathCpus: 1 },
      words: "nothing is pinned, because there is only one CPU",
    };
  }
  return {
    traffic: ["taskset", "--cpu-list", "0"],
    path: ["taskset", "--cpu-list", "1"],
    pathCpus: 1,
    words:
      "load generator and upstream share CPU 0; all processes of a path share CPU 1, and Envoy has one worker",
  };
}
