import { expect, test } from "vitest";
import { tallyOf } from "../../ci/tally.ts";

const counts = (numPassedTests: number, numFailedTests: number, numPendingTests: number) => ({
  ...{ numPassedTests, numFailedTests, numPendingTests },
});

test.each([
  ["passed and failed tests unchanged", counts(7, 2, 0), 1, false, { passed: 7, failed: 2 }],
  ["a skipped test as failed", counts(7, 0, 3), 0, false, { passed: 7, failed: 3 }],
  [
    "a test skipped because root is missing as neither",
    counts(7, 0, 3),
    0,
    true,
    { passed: 7, failed: 0 },
  ],
  ["a failed test as failed even then", counts(7, 1, 3), 1, true, { passed: 7, failed: 1 }],
  ["a file that does not load as one failure", counts(7, 0, 3), 1, true, { passed: 7, failed: 1 }],
])("counts %s", (_, vitest, exitCode, maySkip, tally) => {
  expect(tallyOf(vitest, { exitCode, maySkip })).toEqual(tally);
});
