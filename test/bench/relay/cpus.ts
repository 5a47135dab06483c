import { availableParallelism } from "node:os";

/** Commands that a program is started with so that it runs on its CPU alone. */
export interface Pinning {
  /** For the load generator and the upstream. */
  readonly traffic: readonly string[];
  /** For whatever lies between them, all of its processes together. */
  readonly path: readonly string[];
  /** CPUs that the path has, for programs that start a thread for each. */
  readonly pathCpus: number;
  /** The same in words, for the report. */
  readonly words: string;
}

/**
 * One CPU for both ends of the traffic and another for the path: direct has as much to send and to answer
 * with as every path has, and a path does not take from the ends what it needs itself.
 */
export function pinning(cpus: number = availableParallelism()): Pinning {
  if (cpus < 2) {
    return {
      ...{ traffic: [], path: [], pathCpus: 1 },
      words: "nothing is pinned: there is one CPU for everything",
    };
  }
  return {
    traffic: ["taskset", "--cpu-list", "0"],
    path: ["taskset", "--cpu-list", "1"],
    pathCpus: 1,
    words:
      "load generator and upstream share CPU 0; each path has CPU 1 for all of its processes, and Envoy one worker for it",
  };
}
