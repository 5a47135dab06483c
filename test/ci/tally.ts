/** What a part of `npm test` came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** The counts in vitest's JSON report. */
export interface VitestCounts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

/**
 * Takes vitest's own counts. A test that was skipped has shown nothing, so it counts as failed; where the machine lacks
 * what it needs (`maySkip`) and `npm test` says so, it counts as neither.
 */
export function tallyOf(
  counts: VitestCounts,
  { exitCode, maySkip }: { readonly exitCode: number | null; readonly maySkip: boolean },
): Tally {
  const failed = counts.numFailedTests + (maySkip ? 0 : counts.numPendingTests);
  // Files that do not load have no tests to count.
  return { passed: counts.numPassedTests, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}
