import { writeFile } from "node:fs/promises";
import { BadInput, readArguments, runCommand, UsageError } from "../cli/command-line.ts";
import { lineProgress, type Progress } from "../test/lab/progress.ts";
import { type OtherGateway, otherGateways } from "../test/verify/others/gateways.ts";
import type { Report } from "../test/verify/conformance/report/report.ts";
import { measureOther } from "../test/verify/others/measure.ts";
import { releases } from "../test/verify/others/older.ts";
import { renderOthers, renderReleases } from "../test/verify/others/table.ts";

const names = [...otherGateways, ...releases].map(({ name }) => name);

const USAGE = `npm run verify:others [-- --only NAME]   measure others' gateways and older releases, and keep the reports

  --only NAME   one of ${names.join(", ")}`;

/** `npm run verify:others`: runs the verdict on other people's gateways and on older releases of ours, as processes on this machine. */
async function main(): Promise<number> {
  const { only } = readArguments(process.argv.slice(2), { only: { type: "string" } });
  if (only !== undefined && !names.includes(only)) {
    throw new UsageError(`--only ${JSON.stringify(only)} is not one of ${names.join(", ")}`);
  }
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new BadInput("npm run verify:others starts parts of the lab, so it needs Linux and root");
  }
  const progress = lineProgress();
  const all = async <Gateway extends OtherGateway>(gateways: readonly Gateway[]) => {
    const measured = [];
    for (const gateway of gateways) {
      if (only !== undefined && gateway.name !== only) continue;
      measured.push({ gateway, report: await keep(gateway, progress) });
    }
    return measured;
  };
  const others = await all(otherGateways);
  if (others.length > 0) process.stdout.write(`${renderOthers(others)}\n`);
  const older = await all(releases);
  if (older.length > 0) process.stdout.write(`${renderReleases(older)}\n`);
  return 0;
}

async function keep(gateway: OtherGateway, progress: Progress): Promise<Report> {
  const report = await measureOther(gateway, progress);
  const file = new URL(`../test/verify/others/results/${gateway.name}.json`, import.meta.url);
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

await runCommand(main, { usage: USAGE });
