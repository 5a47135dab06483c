import { describe, expect, test } from "vitest";
import { pinning } from "../../bench/relay/cpus.ts";
import {
  parseResident,
  parseStat,
  parseStolen,
  withDescendants,
} from "../../bench/relay/processes.ts";
import { rotated } from "../../bench/relay/rounds.ts";
import { besideDirect, over, type Sample, spread } from "../../bench/relay/samples.ts";

describe("spread", () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3 }],
    [[5, 1, 3], { median: 3, min: 1, max: 5 }],
    [[4, 1, 2, 10], { median: 3, min: 1, max: 10 }],
  ])("of %j", (numbers, expected) => {
    expect(spread(numbers)).toEqual(expected);
  });

  test("does not change the order of the numbers", () => {
    const numbers = [2, 1];
    spread(numbers);
    expect(numbers).toEqual([2, 1]);
  });
});

describe("figures relative to direct", () => {
  const load = (subject: Sample["subject"], round: number, figures: Sample["figures"]): Sample => ({
    ...{ subject, round, kind: "load", size: 16, figures },
  });

  test("a sample is compared with direct's sample of the same round", () => {
    const samples = besideDirect([
      load("direct", 1, { p50Ms: 1, p99Ms: 2, requestsPerSecond: 100 }),
      load("direct", 2, { p50Ms: 2, p99Ms: 4, requestsPerSecond: 50 }),
      load("envoy", 1, { p50Ms: 4, p99Ms: 7, requestsPerSecond: 40 }),
      load("envoy", 2, { p50Ms: 4, p99Ms: 7, requestsPerSecond: 40 }),
    ]);
    expect(samples.slice(2).map(({ figures }) => figures)).toEqual([
      {
        p50Ms: 4,
        p99Ms: 7,
        requestsPerSecond: 40,
        addedP50Ms: 3,
        addedP99Ms: 5,
        shareOfDirect: 0.4,
      },
      {
        p50Ms: 4,
        p99Ms: 7,
        requestsPerSecond: 40,
        addedP50Ms: 2,
        addedP99Ms: 3,
        shareOfDirect: 0.8,
      },
    ]);
    expect(over(samples, "envoy", "load", 16, "addedP50Ms")).toEqual({
      median: 2.5,
      min: 2,
      max: 3,
    });
  });

  test("direct itself and missing figures get no relative figures", () => {
    const alone = [load("direct", 1, { p50Ms: 1 }), load("envoy", 2, { p50Ms: 1 })];
    expect(besideDirect(alone)).toEqual(alone);
    expect(over(alone, "shim", "load", 16, "p50Ms")).toBeUndefined();
    expect(over(alone, "envoy", "load", 1, "p50Ms")).toBeUndefined();
  });
});

test("every round contains all subjects and begins with another one", () => {
  expect([0, 1, 2, 3].map((round) => rotated(["a", "b", "c"], round).join(""))).toEqual([
    ...["abc", "bca", "cab", "abc"],
  ]);
});

describe("processes", () => {
  test("of a tree are the root and all its descendants, in any order of the table", () => {
    const parentOf = new Map([
      [5, 4],
      [4, 2],
      [3, 1],
      [2, 1],
    ]);
    expect(withDescendants([2], parentOf).sort()).toEqual([2, 4, 5]);
    expect(withDescendants([], parentOf)).toEqual([]);
  });

  test("are found by their pids, even if a program's name looks like fields of the line", () => {
    const line = "42 (a) R 1 (b) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 99 1 1";
    expect(parseStat(line)).toEqual({ parent: 7, cpuSeconds: 3 });
  });

  test("have their memory converted from kB", () => {
    const text = "Name:\tVmRSS: 7 kB\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";
    expect(parseResident(text)).toBe(2048 * 1024);
    expect(parseResident("")).toBe(0);
  });

  test("stolen CPU time is the sum over all CPUs", () => {
    const text = "cpu  900 80 700 1500 180 0 34 250 11 12\ncpu0 450 40 350 750 90 0 17 125 5 6\n";
    expect(parseStolen(text)).toBe(2.5);
    expect(parseStolen("")).toBe(0);
  });
});

test("with two CPUs, the ends and the path have one each", () => {
  expect(pinning(2)).toMatchObject({
    traffic: ["taskset", "--cpu-list", "0"],
    path: ["taskset", "--cpu-list", "1"],
  });
  expect(pinning(1)).toMatchObject({ traffic: [], path: [] });
});
