import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { elapsed, lineProgress } from "../../lab/progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  [0, "0.0 s"],
  [7_312, "7.3 s"],
  [59_949, "59.9 s"],
  [59_950, "1 min 00 s"],
  [125_400, "2 min 05 s"],
])("%i ms is shown as %s", (milliseconds, text) => {
  expect(elapsed(milliseconds)).toBe(text);
});

test("a step reports its start, its progress every 15 s, and how long it took", async () => {
  const lines: string[] = [];
  const step = lineProgress((line) => lines.push(line)).step("Compiling x", async (status) => {
    await vi.advanceTimersByTimeAsync(15_000);
    status("12 packages compiled");
    await vi.advanceTimersByTimeAsync(17_000);
    return "done";
  });
  expect(await step).toBe("done");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toEqual([
    "… Compiling x",
    "  Compiling x (15.0 s so far)",
    "  Compiling x: 12 packages compiled (30.0 s so far)",
    "✓ Compiling x (32.0 s)",
  ]);
});

test("a failed step is marked, passes the error on and stops reporting", async () => {
  const lines: string[] = [];
  const step = lineProgress((line) => lines.push(line)).step("Fetching", () =>
    Promise.reject(new Error("no network")),
  );
  await expect(step).rejects.toThrow("no network");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toEqual(["… Fetching", "✗ Fetching (0.0 s)"]);
});
