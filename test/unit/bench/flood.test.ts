import { expect, test } from "vitest";
import { floodTable, floodTargets } from "../../bench/report/flood.ts";
import type { RelayResult } from "../../bench/relay/rounds.ts";
import type { Kind, Sample } from "../../bench/relay/samples.ts";

/** Two rounds. The p99 is 10 ms without a flood, and so many ms beside one. */
function run(beside: { readonly "flood-slow": number; readonly flood: number }): RelayResult {
  const sample = (round: number, kind: Kind, size: number, p99Ms: number): Sample => ({
    ...{ subject: "envoy", round, kind, size },
    figures: { p50Ms: p99Ms / 2, p99Ms, pathCpu: 0.97 },
  });
  return {
    ...{ pinning: "nothing is pinned", rounds: 2, subjects: ["envoy"] },
    extent: {
      ...{ connections: [], loadSeconds: 1, events: [], agents: [], streams: [], holdSeconds: 1 },
      ...{ patienceSeconds: 1, flood: [0, 120], floodSeconds: 1 },
    },
    samples: [1, 2].flatMap((round) =>
      (["flood-slow", "flood"] as const).flatMap((kind) => [
        sample(round, kind, 0, 10),
        sample(round, kind, 120, beside[kind]),
      ]),
    ),
  };
}

test("twice the p99 is within the target, and more is not", () => {
  expect(floodTargets(run({ "flood-slow": 20, flood: 20.1 }))).toEqual([
    {
      title:
        "envoy: an answer of 1 s, while another agent floods on 120 connections, relative to without, p99",
      ...{ limit: "at most 2×", measured: "2.00 (2.00–2.00)×", met: true },
    },
    {
      title:
        "envoy: an answer that takes no time, while another agent floods on 120 connections, relative to without, p99",
      ...{ limit: "at most 2×", measured: "2.01 (2.01–2.01)×", met: false },
      bound:
        "20.1 ms instead of 10.0 ms: each step of a request waits for those of the flood, with the path's one CPU 97 % busy",
    },
  ]);
});

test("the table has both percentiles, with and without a flood", () => {
  const { head, rows } = floodTable(run({ "flood-slow": 20, flood: 40 }));
  expect(head).toEqual(["", "no flood", "120 connections"]);
  expect(rows).toEqual([
    ["an answer of 1 s", "5.00 / 10.0 (10.0–10.0)", "10.0 / 20.0 (20.0–20.0)"],
    ["an answer that takes no time", "5.00 / 10.0 (10.0–10.0)", "20.0 / 40.0 (40.0–40.0)"],
  ]);
});
