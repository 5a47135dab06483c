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

  test("leaves the numbers in their order", () => {
    const numbers = [2, 1];
    spread(numbers);
    expect(numbers).toEqual([2, 1]);
  });
});

describe("beside direct", () => {
  const load = (subject: Sample["subject"], round: number, figures: Sample["figures"]): Sample => ({
    ...{ subject, round, kind: "load", size: 16, figures },
  });

  test("a sample is compared with direct's of its own round", () => {
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

  test("direct itself, and what was not measured, gets nothing added", () => {
    const alone = [load("direct", 1, { p50Ms: 1 }), load("envoy", 2, { p50Ms: 1 })];
    expect(besideDirect(alone)).toEqual(alone);
    expect(over(alone, "shim", "load", 16, "p50Ms")).toBeUndefined();
    expect(over(alone, "envoy", "load", 1, "p50Ms")).toBeUndefined();
  });
});

test("every round begins with another subject and has all of them", () => {
  expect([0, 1, 2, 3].map((round) => rotated(["a", "b", "c"], round).join(""))).toEqual([
    ...["abc", "bca", "cab", "abc"],
  ]);
});

describe("processes", () => {
  test("of a tree are the root and all below it, whatever the order of the table", () => {
    const parentOf = new Map([
      [5, 4],
      [4, 2],
      [3, 1],
      [2, 1],
    ]);
    expect(withDescendants([2], parentOf).sort()).toEqual([2, 4, 5]);
    expect(withDescendants([], parentOf)).toEqual([]);
  });

  test("are read by their numbers, not by names that look like numbers", () => {
    const line = "42 (a) R 1 (b) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 99 1 1";
    expect(parseStat(line)).toEqual({ parent: 7, cpuSeconds: 3 });
  });

  test("hold what the kernel says in kB", () => {
    const text = "Name:\tVmRSS: 7 kB\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";
    expect(parseResident(text)).toBe(2048 * 1024);
    expect(parseResident("")).toBe(0);
  });

  test("lose what the hypervisor gives away, of all CPUs together", () => {
    const text = "cpu  900 80 700 1500 180 0 34 250 11 12\ncpu0 450 40 350 750 90 0 17 125 5 6\n";
    expect(parseStolen(text)).toBe(2.5);
    expect(parseStolen("")).toBe(0);
  });
});

test("ends and path have a CPU each, where there are two", () => {
  expect(pinning(2)).toMatchObject({
    traffic: ["taskset", "--cpu-list", "0"],
    path: ["taskset", "--cpu-list", "1"],
  });
  expect(pinning(1)).toMatchObject({ traffic: [], path: [] });
});
