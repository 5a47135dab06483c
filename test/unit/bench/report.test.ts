import { describe, expect, test } from "vitest";
import type { ProgramResult } from "../../bench/program/samples.ts";
import type { RelayResult } from "../../bench/relay/rounds.ts";
import { besideDirect, type Sample } from "../../bench/relay/samples.ts";
import { growthPlots, overviewSvg } from "../../bench/report/growth.ts";
import { renderHtml } from "../../bench/report/html.ts";
import { linearScale, logScale, renderPlot } from "../../bench/report/plot.ts";
import { type Circumstances, reportOf } from "../../bench/report/report.ts";
import { digits, relayTables } from "../../bench/report/tables.ts";
import { programTargets, relayTargets } from "../../bench/report/targets.ts";
import { renderTerminal } from "../../bench/report/terminal.ts";

/** A run of two rounds with simple figures. */
function relayResult(
  envoy: { p50: number; perSecond: number; held: number; mb: number },
  shim = { p50: 10.5, perSecond: 95 },
  problem?: string,
): RelayResult {
  const samples = [1, 2].flatMap((round): Sample[] => {
    const load = (subject: Sample["subject"], size: number, p50Ms: number, perSecond: number) => ({
      ...{ subject, round, kind: "load" as const, size },
      figures: {
        ...{ p50Ms, p99Ms: 2 * p50Ms, requestsPerSecond: perSecond },
        ...{ pathCpu: 0.97, loadCpu: 0.2, upstreamCpu: 0.3, pathCpuMs: 0.1 },
      },
      ...(problem !== undefined && subject === "shim" && { problem }),
    });
    const streams = (subject: Sample["subject"], size: number, held: number, rssMb: number) => ({
      ...{ subject, round, kind: "streams" as const, size },
      figures: { held, rssMb, p50Ms: 0.2, p99Ms: 3, pathCpu: 0.1 },
    });
    return [1, 16, 64].flatMap((size) => [
      load("direct", size, 0.1, 1000),
      load("envoy", size, envoy.p50, envoy.perSecond),
      load("litellm", size, 10, 100),
      load("shim", size, shim.p50, shim.perSecond),
      streams("envoy", 200, 200, 80),
      streams("envoy", 1000, envoy.held, envoy.mb),
    ]);
  });
  return {
    pinning: "nothing is pinned",
    rounds: 2,
    extent: {
      ...{ connections: [1, 16, 64], loadSeconds: 1, streams: [200, 1000], holdSeconds: 1 },
      ...{ events: [400], agents: [10, 1000], patienceSeconds: 1 },
      ...{ flood: [], floodSeconds: 0 },
    },
    subjects: ["direct", "envoy", "litellm", "shim"],
    samples: besideDirect(samples),
  };
}

const good = { p50: 0.6, perSecond: 500, held: 1000, mb: 159 };
const met = (result: RelayResult) => relayTargets(result).map((target) => target.met);

describe("targets of the paths", () => {
  test("are six, and a figure exactly at its limit meets its target", () => {
    expect(met(relayResult(good, { p50: 11, perSecond: 90 }))).toEqual(Array(6).fill(true));
  });

  test.each([
    ["latency", { ...good, p50: 0.61 }, undefined, [0]],
    ["throughput", { ...good, perSecond: 499 }, undefined, [1, 2]],
    ["memory", { ...good, mb: 160 }, undefined, [3]],
    ["a stream that was closed early", { ...good, held: 999 }, undefined, [3]],
    ["the shim's latency", good, { p50: 11.2, perSecond: 95 }, [4]],
    ["the shim's throughput", good, { p50: 10, perSecond: 89 }, [5]],
  ])("one target is missed because of %s", (_what, envoy, shim, missed) => {
    const targets = relayTargets(relayResult(envoy, shim));
    expect(targets.flatMap(({ met }, index) => (met ? [] : [index]))).toEqual(missed);
  });

  test("that are missed say which process has no CPU left", () => {
    const [, throughput] = relayTargets(relayResult({ ...good, perSecond: 300 }));
    expect(throughput).toEqual({
      title: "envoy: requests/s relative to direct, with 16 connections",
      limit: "at least 50 %",
      measured: "30 % (30 %–30 %)",
      met: false,
      bound:
        "the path's CPU is 97 % busy, at 0.100 ms per request; that of load generator and upstream 50 %",
    });
  });

  test("of throughput say what an Envoy with only one route reaches", () => {
    const result = relayResult({ ...good, perSecond: 300 });
    const bare = result.samples
      .filter(({ subject, kind }) => subject === "envoy" && kind === "load")
      .map((sample) => ({
        ...{ ...sample, subject: "envoy-bare" as const },
        figures: { ...sample.figures, shareOfDirect: 0.42 },
      }));
    const [, target] = relayTargets({ ...result, samples: [...result.samples, ...bare] });
    expect(target?.bound).toMatch(/; Envoy with only one route reaches 42 % \(42 %–42 %\)$/);
  });

  test("of the shim say what it costs if Envoy and LiteLLM have a CPU each", () => {
    const result = relayResult(good, { p50: 12, perSecond: 80 });
    const apart = result.samples
      .filter(({ subject, kind }) => subject === "shim" && kind === "load")
      .map((sample) => ({
        ...{ ...sample, subject: "shim-apart" as const },
        figures: { ...sample.figures, p50Ms: 10.3, requestsPerSecond: 97 },
      }));
    const targets = relayTargets({ ...result, samples: [...result.samples, ...apart] });
    expect(targets[4]?.bound).toMatch(/; with Envoy on the other CPU: 3 % \(3 %–3 %\)$/);
    expect(targets[5]?.bound).toMatch(/; with Envoy on the other CPU: 97 % \(97 %–97 %\)$/);
  });

  test("are left out if their figures were not measured", () => {
    expect(relayTargets({ ...relayResult(good), samples: [] })).toEqual([]);
  });
});

/** Two rounds of what the targets of metering compare. */
function meteringResult(
  figures: Partial<
    Record<"small" | "events" | "budgets" | "many" | "bareLoad" | "bareDelay", number>
  >,
): RelayResult {
  const value = {
    ...{ small: 0.2, events: 1, budgets: 1, many: 1.1, bareLoad: 1.15, bareDelay: 1.15 },
    ...figures,
  };
  const samples = [1, 2].flatMap((round): Sample[] => {
    const sample = (
      subject: Sample["subject"],
      kind: Sample["kind"],
      size: number,
      own: Sample["figures"],
    ) => ({ subject, round, kind, size, figures: { pathCpu: 0.5, pathCpuMs: 0.1, ...own } });
    return [
      sample("envoy-unmetered", "load", 1, { p50Ms: round }),
      sample("envoy", "load", 1, { p50Ms: round + value.small }),
      sample("envoy-budgets", "load", 1, { p50Ms: round + value.budgets }),
      sample("envoy-unmetered", "events", 400, { p50Ms: 6 * round }),
      sample("envoy", "events", 400, { p50Ms: 6 * round + value.events }),
      sample("envoy", "agents", 10, { p50Ms: round }),
      sample("envoy", "agents", 1000, { p50Ms: round * value.many }),
      sample("envoy", "agents-busy", 10, { p50Ms: 8 * round }),
      sample("envoy", "agents-busy", 1000, { p50Ms: 8 * round, pathCpuMs: 0.3 }),
      sample("envoy-bare", "load", 16, {
        requestsPerSecond: 100 * value.bareLoad,
        pathCpuMs: 0.05,
      }),
      sample("envoy", "load", 16, { requestsPerSecond: 100, loadCpu: 0.2, upstreamCpu: 0.1 }),
      sample("envoy-bare", "streams", 1000, { p99Ms: 2 * round }),
      sample("envoy", "streams", 1000, { p99Ms: 2 * round * value.bareDelay }),
    ];
  });
  return { ...relayResult(good), subjects: ["envoy-bare", "envoy-unmetered", "envoy"], samples };
}

describe("targets of metering", () => {
  test("are seven, and a figure exactly at its limit meets its target", () => {
    // In steps that floating-point numbers hold exactly.
    const exact = { small: 0.125, many: 1.0625, bareLoad: 1.125, bareDelay: 1.125 };
    expect(met(meteringResult(exact))).toEqual(Array(7).fill(true));
  });

  test.each([
    ["a small answer", { small: 0.25 }, [0]],
    ["an answer of 400 events", { events: 1.01 }, [1]],
    ["budgets", { budgets: 1.01 }, [2]],
    ["many agents", { many: 1.11 }, [3]],
    ["throughput beside bare Envoy", { bareLoad: 1.16 }, [5]],
    ["a frame's delay beside bare Envoy", { bareDelay: 1.16 }, [6]],
  ])("one is missed because of %s", (_what, figures, missed) => {
    const exact = { small: 0.125, many: 1.0625, bareLoad: 1.125, bareDelay: 1.125 };
    const targets = relayTargets(meteringResult({ ...exact, ...figures }));
    expect(targets.flatMap(({ met }, index) => (met ? [] : [index]))).toEqual(missed);
  });

  test("compare figures of the same round", () => {
    const [small] = relayTargets(meteringResult({ small: 0.5 }));
    expect(small).toMatchObject({ limit: "at most 0.2 ms", measured: "0.50 (0.50–0.50) ms" });
  });

  test("that are missed say where the CPU time goes", () => {
    const targets = relayTargets(meteringResult({ many: 2, bareLoad: 2, bareDelay: 2 }));
    expect(targets[3]).toMatchObject({
      measured: "100 % (100 %–100 %)",
      bound: "CPU of the path per request, by number of agents: 10: 0.100 ms, 1000: 0.100 ms",
    });
    expect(targets[5]).toMatchObject({
      title:
        "envoy: time for a request, with 16 connections, relative to Envoy with only one route",
      measured: "2.00 (2.00–2.00)×",
      bound:
        "the path's CPU is 50 % busy, at 0.100 ms per request; that of load generator and upstream 30 %; " +
        "a request takes 0.050 ms of CPU in Envoy with only one route, – with everything but the meter and 0.100 ms with it",
    });
    expect(targets[6]?.bound).toBe(
      "p99 in Envoy with only one route 3.000 ms at 50 % of a CPU, with everything but the meter – at – of a CPU, " +
        "with it 6.000 ms at 50 % of a CPU",
    );
  });
});

const program: ProgramResult = {
  samples: [
    { stack: "host", agents: 0, action: "preview", seconds: 11 },
    { stack: "envoy", agents: 1, action: "preview", seconds: 4 },
    { stack: "envoy", agents: 1, action: "preview", seconds: 6 },
    { stack: "litellm", agents: 1, action: "preview", seconds: 3 },
    { stack: "envoy", agents: 1, action: "up", seconds: 20 },
    { stack: "envoy", agents: 10, action: "up", seconds: 30 },
    { stack: "envoy", agents: 50, action: "up", seconds: 70 },
    { stack: "envoy", agents: 50, action: "preview", seconds: 9 },
    { stack: "shim", agents: 1, action: "litellm-ready", seconds: 41 },
  ],
};

test("targets of the program use the slowest gateway stack with one agent", () => {
  expect(programTargets(program).map(({ measured, met }) => [measured, met])).toEqual([
    ["5.0 (4.0–6.0) s (envoy)", true],
    ["41.0 (41.0–41.0) s (shim)", false],
  ]);
});

const circumstances: Circumstances = {
  date: "2026-11-23T06:25:00.000Z",
  machine: { cpu: "CPU <X>", cores: 2, memoryGb: 24, system: "Linux 6", loadAtStart: 0.1 },
  versions: { Envoy: "1.39.1" },
  minutes: 12.5,
};

describe("the report", () => {
  const report = reportOf(circumstances, { relay: relayResult(good), program });

  test("in the terminal contains date, machine, every path and every target", () => {
    const text = renderTerminal(report);
    for (const part of ["2026-11-23T06:25", "CPU <X>", "Envoy 1.39.1", "2 interleaved rounds"]) {
      expect(text).toContain(part);
    }
    for (const subject of ["direct", "envoy", "litellm", "shim"]) {
      expect(text).toMatch(new RegExp(`^${subject} `, "m"));
    }
    expect(text.match(/^[✓✗] /gm)).toHaveLength(8);
    expect(text.match(/^✗ /gm)).toHaveLength(1);
  });

  test("has a table of failures only if there were failures", () => {
    const titles = (result: RelayResult) => relayTables(result).map(({ title }) => title);
    const broken = relayResult(good, undefined, "3 of 9 requests: status 500");
    expect(titles(broken)).toContain("Failures");
    expect(titles(relayResult(good))).not.toContain("Failures");
    expect(relayTables(broken).at(-2)?.rows).toContainEqual([
      ...["shim", "load 16, round 2", "3 of 9 requests: status 500"],
    ]);
  });

  test("as a page is one file that loads nothing else", () => {
    const page = renderHtml(report);
    expect(page).toContain("CPU &lt;X&gt;");
    expect(page).not.toMatch(/<script|<link|src=|https?:/);
    expect(page.match(/<svg /g)).toHaveLength(5);
    expect(page.match(/<li class="met">/g)).toHaveLength(7);
    expect(page.match(/<li class="missed">/g)).toHaveLength(1);
  });

  test("as an SVG has the first two plots next to each other", () => {
    const svg = overviewSvg(report);
    expect(svg.match(/<g transform/g)).toHaveLength(2);
    expect(svg).toContain("Latency of a request");
    expect(svg).toContain("Memory, MB");
    expect(svg).not.toContain("NaN");
  });

  test("has the figures by number of agents, and of answers of many events", () => {
    const result = { ...report, relay: meteringResult({}) };
    const text = renderTerminal(result);
    expect(text).toMatch(/^ +10 agents +CPU a request +1000 agents +CPU a request$/m);
    expect(text).toMatch(/^envoy, 1 connection +1\.50 \(1\.00–2\.00\) +0\.10 ms +1\.65 /m);
    expect(text).toMatch(/^envoy, 16 connections +12\.0 \(8\.00–16\.0\) +0\.10 ms .* 0\.30 ms$/m);
    expect(text).toMatch(/400 events +added at 1 +added, first frame +added, 400 events$/m);
    const [plot] = growthPlots(result).slice(-2);
    expect(plot?.xLabel).toBe("agents");
    expect(plot?.series.map(({ name, points }) => [name, points.map(({ y }) => y)])).toEqual([
      ["1 connection", [1.5, expect.closeTo(1.65)]],
      ["16 connections", [12, 12]],
    ]);
    expect(renderHtml(result)).toContain("1000 agents");
  });

  test("has no tables and plots for a part that was not measured", () => {
    const only = reportOf(circumstances, { program });
    expect(renderTerminal(only)).not.toContain("Latency");
    expect(growthPlots(only).map(({ title }) => title)).toEqual(["pulumi up from nothing, s"]);
  });
});

describe("plots", () => {
  test("by powers of ten extend to the next power below and above", () => {
    const scale = logScale([0.06, 300]);
    expect(scale.ticks).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
    expect([scale.at(0.01), scale.at(1000)]).toEqual([0, 1]);
    expect(scale.at(1)).toBeCloseTo(0.4);
  });

  test.each([
    [149, [0, 50, 100, 150]],
    [1100, [0, 200, 400, 600, 800, 1000, 1200]],
    [7, [0, 2, 4, 6, 8]],
  ])("from 0 to %d have round steps", (most, ticks) => {
    expect(linearScale([most]).ticks).toEqual(ticks);
  });

  test("have each line's name at its end, without overlap", () => {
    const flat = (name: string) => ({
      ...{ name, color: "#000" },
      points: [{ x: 1, y: 5, low: 5, high: 5 }],
    });
    const drawn = renderPlot({
      ...{ title: "t", xLabel: "x", x: "even", scale: "linear" },
      series: [flat("a"), flat("b"), flat("c")],
    });
    const heights = [...drawn.matchAll(/y="([\d.]+)" fill="#000"[^>]*>[abc]</g)].map((m) =>
      Number(m[1]),
    );
    expect(heights).toHaveLength(3);
    expect(heights.map((y, index) => y - (heights[index - 1] ?? y))).toEqual([0, 15, 15]);
  });
});

test.each([
  [0.0567, "0.06"],
  [12.34, "12.3"],
  [1234.5, "1,235"],
  [-0.04, "-0.04"],
])("%d is formatted as %s", (value, written) => {
  expect(digits(value)).toBe(written);
});
