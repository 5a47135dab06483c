import { relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The lab's tests that need no shared cluster: each has a process, a machine or a cluster of its own. */
const APART = [
  "test/bench/**/*.lab.test.ts",
  "test/envoy-process/**/*.lab.test.ts",
  "test/lab/cluster/**/*.lab.test.ts",
  "test/lab/host/**/*.lab.test.ts",
  "test/lab/pulumi/**/*.lab.test.ts",
];

/** The tests that have a cluster of their own, so that they run beside those of the first one. */
const SECOND = [
  "test/end-to-end/credentials/**/*.lab.test.ts",
  "test/end-to-end/story/**/*.lab.test.ts",
  "test/end-to-end/telemetry/**/*.lab.test.ts",
  "test/end-to-end/walk/broken-image.lab.test.ts",
  "test/end-to-end/walk/federated-renewal.lab.test.ts",
  "test/end-to-end/walk/provider-change.lab.test.ts",
];

/** Takes the lab down and starts it from nothing: first, so that the cluster is started once. */
const FIRST = "test/end-to-end/walk/local.lab.test.ts";

const lab = { testTimeout: 600_000, hookTimeout: 1_800_000 };

/** Files by name, and the same every time: what one leaves on the cluster, the next one finds. */
class ByName extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const key = ({ moduleId }: TestSpecification) => {
      const file = relative(import.meta.dirname, moduleId);
      return file === FIRST ? "" : file;
    };
    return Promise.resolve(files.sort((one, other) => (key(one) < key(other) ? -1 : 1)));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: ByName },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/golden/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "lab",
          include: ["test/**/*.lab.test.ts"],
          exclude: [...APART, ...SECOND],
          globalSetup: ["test/lab/global-teardown.ts"],
          // One embedded cluster serves every file, in order: they share what is deployed on it.
          fileParallelism: false,
          ...lab,
        },
      },
      {
        test: {
          name: "lab-second",
          include: SECOND,
          env: { CLAUDE_GATEWAY_LAB: "second" },
          globalSetup: ["test/lab/global-teardown.ts"],
          fileParallelism: false,
          ...lab,
        },
      },
      {
        test: {
          name: "lab-apart",
          include: APART,
          // `npm test` runs them beside those of the cluster: one at a time is enough for two CPUs.
          fileParallelism: false,
          ...lab,
        },
      },
    ],
  },
});
