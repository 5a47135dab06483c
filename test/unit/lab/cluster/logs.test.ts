import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLab } from "../../../lab/cluster/lab.ts";
import { logTail } from "../../../lab/cluster/logs.ts";

let logDir: string;
beforeEach(() => {
  logDir = mkdtempSync(join(tmpdir(), "logs-test-"));
});
afterEach(() => {
  rmSync(logDir, { recursive: true });
});

test("the last 15 lines follow the log's path", () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
  writeFileSync(join(logDir, "etcd.log"), lines.join("\n") + "\n");
  expect(logTail({ ...openLab(), logDir }, "etcd").split("\n")).toEqual([
    `Last lines of ${logDir}/etcd.log:`,
    ...lines.slice(5).map((line) => `  ${line}`),
  ]);
});

test("a missing log is reported with its path", () => {
  expect(logTail({ ...openLab(), logDir }, "etcd")).toBe(`(${logDir}/etcd.log does not exist)`);
});
