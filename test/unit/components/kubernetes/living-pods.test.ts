import { expect, test } from "vitest";
import { living } from "../../../../components/kubernetes/living-pods.ts";

test.each([
  ["Running", undefined, true],
  ["Pending", undefined, true],
  ["Unknown", undefined, true],
  ["Failed", undefined, false],
  ["Succeeded", undefined, false],
  ["Running", "2026-11-26T12:00:00Z", false],
] as const)("a pod in phase %s, deleted %s, lives: %s", (phase, deletionTimestamp, lives) => {
  const pod = {
    metadata: { ...(deletionTimestamp && { deletionTimestamp }) },
    status: { phase },
  };
  expect(living([pod])).toEqual(lives ? [pod] : []);
});
