import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Alert } from "../../components/usage/telemetry/alert.ts";
import { panels } from "../../components/usage/telemetry/dashboard.ts";
import { alerts, telemetryFiles } from "../../stacks/telemetry-files.ts";
import { prometheusPart } from "../lab/parts/programs.ts";
import { lineProgress } from "../lab/progress.ts";
import { alertCases } from "./alert-cases.ts";

const all: readonly Alert[] = Object.values(alerts).flat();

const run = promisify(execFile);

let promtool: string;
let dir: string;

beforeAll(async () => {
  ({ promtool } = await prometheusPart(lineProgress()));
  dir = await mkdtemp(join(tmpdir(), "alerts-"));
  await writeFile(join(dir, "alerts.yaml"), telemetryFiles()["alerts.yaml"] ?? "");
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** Runs promtool. Its output also if it fails. */
async function check(...args: string[]): Promise<string> {
  const done = await run(promtool, args).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  return done.stdout + done.stderr;
}

test("promtool accepts the rules and the style of their names", async () => {
  const output = await check(
    "check",
    "rules",
    "--lint=all",
    "--lint-fatal",
    join(dir, "alerts.yaml"),
  );
  expect(output).toContain(`SUCCESS: ${all.length} rules found`);
});

test("every alert has a case, and every case an alert", () => {
  expect(Object.keys(alertCases).sort()).toEqual(all.map(({ name }) => name).sort());
});

test.each(all)("$name fires on what it is for, and on nothing else", async (alert) => {
  const { fires, quiet, first = fires } = alertCases[alert.name] ?? { fires: {}, quiet: {} };
  const states = {
    fires: await firing(alert, fires, "45m"),
    first: await firing(alert, first, "45m"),
    quiet: await firing(alert, quiet, "45m"),
    // A dip that is shorter than the alert waits for is not reported.
    "too short": alert.for === "0m" ? false : await firing(alert, fires, "0m"),
  };
  expect(states).toEqual({ fires: true, first: true, quiet: false, "too short": false });
});

/** Whether an alert fires at a time, after series that a scrape a minute gave. */
async function firing(
  alert: Alert,
  series: Readonly<Record<string, string>>,
  at: string,
): Promise<boolean> {
  const expected = (fires: boolean) => ({
    rule_files: [join(dir, "alerts.yaml")],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: `sum(ALERTS{alertname="${alert.name}",alertstate="firing"}) > bool 0`,
            eval_time: at,
            exp_samples: fires ? [{ labels: "{}", value: 1 }] : [],
          },
        ],
      },
    ],
  });
  const outcomes = await Promise.all(
    [true, false].map(async (fires) => {
      const file = join(dir, `${alert.name}-${fires}.json`);
      await writeFile(file, JSON.stringify(expected(fires)));
      return (await check("test", "rules", file)).includes("SUCCESS");
    }),
  );
  // Exactly one of the two expectations holds, so a mistake in the test itself is no result.
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  return outcomes[0] === true;
}

test.each(panels.flatMap(({ title, queries }) => queries.map((query) => ({ title, ...query }))))(
  "Prometheus reads the query of panel $title: $legend",
  async ({ expr }) => {
    // Grafana replaces the interval before it asks.
    const query = expr.replaceAll("$__rate_interval", "5m");
    const { stdout } = await run(promtool, ["--experimental", "promql", "format", query]);
    expect(stdout.replace(/\s/g, "")).toContain("claude-gateway");
  },
);
