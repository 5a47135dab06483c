import { join } from "node:path";
import { expect, test } from "vitest";
import { failuresOf } from "../../ci/failures.ts";

const file = (name: string, more: object = {}) => ({
  name: join(process.cwd(), name),
  status: "failed",
  message: "",
  assertionResults: [],
  ...more,
});
const result = (fullName: string, status: string, ...failureMessages: string[]) => ({
  fullName,
  status,
  failureMessages,
});

test("names each failed test with its file and the start of its message", () => {
  const long = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`).join("\n");
  const results = {
    testResults: [
      file("test/a.test.ts", {
        assertionResults: [
          result(" works", "passed"),
          result(" is skipped", "pending"),
          result(" fails", "failed", "expected 1 to be 2"),
          result(" fails at length", "failed", long),
        ],
      }),
      file("test/b.test.ts", { status: "passed", assertionResults: [result("fine", "passed")] }),
    ],
  };
  expect(failuresOf(results)).toEqual([
    "test/a.test.ts > fails\n    expected 1 to be 2",
    ["test/a.test.ts > fails at length", ...long.split("\n").slice(0, 12)].join("\n    "),
  ]);
});

test("names a file that does not load", () => {
  const results = { testResults: [file("test/c.test.ts", { message: "Cannot find module" })] };
  expect(failuresOf(results)).toEqual(["test/c.test.ts\n    Cannot find module"]);
});

test("a failed test without a message has its name only", () => {
  const nothing = { fullName: "fails", status: "failed", failureMessages: null };
  const results = { testResults: [file("test/d.test.ts", { assertionResults: [nothing] })] };
  expect(failuresOf(results)).toEqual(["test/d.test.ts > fails"]);
});
