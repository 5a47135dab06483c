import { relative } from "node:path";

/** The part of vitest's JSON report that says what failed. */
export interface VitestResults {
  readonly testResults: readonly {
    /** Path of the file. */
    readonly name: string;
    readonly status: string;
    /** Why the file did not load; empty if it did. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/** Lines of a message that are shown: the start of a difference is in them. */
const MESSAGE_LINES = 12;

/** What failed: for each failure the file, the test's name and the start of its message. */
export function failuresOf({ testResults }: VitestResults): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0 && status === "failed") return [described(file, message)];
    return failed.map((test) =>
      described(`${file} > ${test.fullName.trim()}`, (test.failureMessages ?? []).join("\n")),
    );
  });
}

function described(what: string, message: string): string {
  const lines = message.trim() === "" ? [] : message.trim().split("\n").slice(0, MESSAGE_LINES);
  return [what, ...lines.map((line) => `    ${line}`)].join("\n");
}
