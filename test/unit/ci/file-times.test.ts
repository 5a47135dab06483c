import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { TestModule } from "vitest/node";
import FileTimes, { FILE_TIMES, slowest } from "../../ci/file-times.ts";

test("the slowest files are listed with their times, slowest first", () => {
  const files = [
    { file: "quick.test.ts", milliseconds: 1200 },
    { file: "slow.test.ts", milliseconds: 684_000 },
    { file: "middling.test.ts", milliseconds: 59_000 },
  ];
  expect(slowest(files, 2)).toEqual([
    "  11 min 24 s  slow.test.ts",
    "       59.0 s  middling.test.ts",
  ]);
  expect(slowest([], 10)).toEqual([]);
});

test("the reporter includes loading and hooks, and writes its list to the given file", async () => {
  const dir = await mkdtemp(join(tmpdir(), "file-times-"));
  try {
    const times = { setupDuration: 1, collectDuration: 20, duration: 300 };
    const module = {
      moduleId: join(process.cwd(), "test/some.test.ts"),
      diagnostic: () => times,
    } as unknown as TestModule;
    new FileTimes().onTestRunEnd([module]);
    vi.stubEnv(FILE_TIMES, join(dir, "times.json"));
    new FileTimes().onTestRunEnd([module]);
    expect(JSON.parse(await readFile(join(dir, "times.json"), "utf8"))).toEqual([
      { file: "test/some.test.ts", milliseconds: 321 },
    ]);
  } finally {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true });
  }
});
