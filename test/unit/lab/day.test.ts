import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { untilDayLasts } from "../../lab/day.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["2026-11-25T12:00:00Z", "2026-11-25T12:00:00.000Z"],
  ["2026-11-25T23:58:59Z", "2026-11-25T23:58:59.000Z"],
  ["2026-11-25T23:59:01Z", "2026-11-26T00:00:01.000Z"],
])("a test that needs a minute and begins at %s begins at %s", async (now, begins) => {
  vi.setSystemTime(new Date(now));
  let began = "";
  const waiting = untilDayLasts(60).then(() => (began = new Date().toISOString()));
  await vi.runAllTimersAsync();
  await waiting;
  expect(began).toBe(begins);
});
