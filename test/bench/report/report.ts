import type { ProgramResult } from "../program/samples.ts";
import type { RelayResult } from "../relay/rounds.ts";
import { floodTargets } from "./flood.ts";
import { type HostsResult, hostsTargets } from "./hosts.ts";
import type { Target } from "./target.ts";
import { programTargets, relayTargets } from "./targets.ts";

/** Where and with which versions the figures were measured. */
export interface Circumstances {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly system: string;
    /** Load average at the start of the run. If the machine was busy, the figures are worse. */
    readonly loadAtStart: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly minutes: number;
}

/** The parts of the benchmark, as far as they were measured. */
export interface Results {
  readonly relay?: RelayResult;
  readonly program?: ProgramResult;
  readonly hosts?: HostsResult;
  /** Only path `envoy`, while another agent floods it. */
  readonly flood?: RelayResult;
}

/** The results of one run of the benchmark. */
export interface Report extends Circumstances, Results {
  readonly targets: readonly Target[];
}

/** Builds the report. */
export function reportOf(circumstances: Circumstances, results: Results): Report {
  const targets = [
    ...(results.relay === undefined ? [] : relayTargets(results.relay)),
    ...(results.program === undefined ? [] : programTargets(results.program)),
    ...(results.hosts === undefined ? [] : hostsTargets(results.hosts)),
    ...(results.flood === undefined ? [] : floodTargets(results.flood)),
  ];
  return { ...circumstances, ...results, targets };
}
