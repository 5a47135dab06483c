/** How many tests of a part of `npm test` passed and failed. */
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
 * Takes vitest's own counts. A skipped test counts as failed, because it proved nothing. With `maySkip` it counts as
 * neither: then the machine lacks what the test needs, and `npm test` says so.
 */
export function tallyOf(
  counts: VitestCounts,
  { exitCode, maySkip }: { readonly exitCode: number | null; readonly maySkip: boolean },
): Tally {
  const failed = counts.numFailedTests + (maySkip ? 0 : counts.numPendingTests);
  // A file that does not load has no tests, so the file itself counts as a failure.
  return { passed: counts.numPassedTests, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}
