import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tokens, UsageReport } from "../../../commands/usage/report.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { Lab } from "../../lab/cluster/index.ts";
import { run } from "../../lab/pulumi/run.ts";

/** Runs `npm run usage -- --json`. */
export async function usageOf(lab: Lab, stack: string, dir: string): Promise<UsageReport> {
  const json = join(dir, "usage.json");
  const { exitCode, stdout, stderr } = await run({
    argv: [process.execPath, "run.mjs", "commands/usage.ts", "--stack", stack, "--json", json],
    cwd: lab.cloneDir,
    env: process.env,
  });
  if (exitCode !== 0) throw new Error(`npm run usage ended with ${exitCode}:\n${stdout}${stderr}`);
  return JSON.parse(await readFile(json, "utf8")) as UsageReport;
}

/** The tokens of a model in a report, of all agents and days. */
export function tokensOf(report: UsageReport, model: string): Tokens {
  return sum(report.days.filter((day) => day.model === model).map(({ tokens }) => tokens));
}

/** The tokens of a model that the upstream counted since a record. */
export async function countedUpstream(
  control: AnthropicControl,
  model: string,
  since: number,
): Promise<Tokens> {
  const usages = (await control.records(since)).flatMap(({ usage }) => usage ?? []);
  return sum(
    usages
      .filter((usage) => usage.model === model)
      .map((usage) => ({
        input: usage.input_tokens,
        output: usage.output_tokens,
        cacheRead: usage.cache_read_input_tokens,
        cacheWrite5m: usage.cache_creation.ephemeral_5m_input_tokens,
        cacheWrite1h: usage.cache_creation.ephemeral_1h_input_tokens,
      })),
  );
}

function sum(all: readonly Tokens[]): Tokens {
  const total = (key: keyof Tokens) => all.reduce((before, tokens) => before + tokens[key], 0);
  return {
    input: total("input"),
    output: total("output"),
    cacheRead: total("cacheRead"),
    cacheWrite5m: total("cacheWrite5m"),
    cacheWrite1h: total("cacheWrite1h"),
  };
}
