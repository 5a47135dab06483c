import type * as nodeFs from "node:fs";

/** A row of the record as `record.mjs report` prints it. */
export interface RecordedRow {
  readonly date: string;
  readonly agent: string;
  readonly model: string;
  readonly requests: number;
  readonly refused: number;
  readonly tokens: {
    readonly input: number;
    readonly output: number;
    readonly cacheRead: number;
    readonly cacheWrite5m: number;
    readonly cacheWrite1h: number;
  };
  readonly cost: number;
  readonly estimated: number;
  readonly unmetered: number;
}

/** What was left out: lines that are no record of a request, and files that became shorter. */
export interface RecordedProblems {
  readonly malformed: number;
  readonly shrunk: number;
  /** Of a folder that could not be read. */
  readonly error?: Error;
}

export declare class Adder {
  constructor(args: {
    readonly root: string;
    readonly fs: typeof nodeFs;
    readonly uptime: () => number;
  });
  add(): RecordedProblems;
  report(): { readonly days: readonly RecordedRow[]; readonly problems: RecordedProblems };
}
