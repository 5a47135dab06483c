import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackages } from "./lab/parts/debian.ts";
import { elapsed, lineProgress } from "./lab/progress.ts";
import { type Tally, tallyOf, type VitestCounts } from "./tally.ts";

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules/.bin", name);

/**
 * `npm test`: lint, types, unit tests and golden graphs, the lab's Go programs, then the lab end to end.
 * Ends with `N passed, N failed`. Everything runs, whatever failed before it.
 */
async function main(): Promise<number> {
  const leftOut = missingForTheLab();
  if (leftOut === undefined) await installPackages(lineProgress());
  const work: [string, () => Promise<Tally>][] = [
    ["format", () => command([bin("prettier"), "--check", "--log-level=warn", "."])],
    ["lint", () => command([bin("eslint"), "."])],
    ["types", () => command([bin("tsc")])],
    ["unit tests and golden graphs", () => vitest("unit", { maySkip: leftOut !== undefined })],
  ];
  if (leftOut === undefined) {
    work.push(["the lab's Go programs", () => command(["go", "test", "./..."], "test/lab/netpol")]);
    work.push(["the lab, end to end", () => vitest("lab", { maySkip: false })]);
  }

  const tallies: Tally[] = [];
  for (const [title, run] of work) {
    const started = Date.now();
    process.stdout.write(`\n=== ${title}\n`);
    const tally = await run();
    tallies.push(tally);
    const result = tally.failed === 0 ? "passed" : "FAILED";
    process.stdout.write(`=== ${title}: ${result} (${elapsed(Date.now() - started)})\n`);
  }
  if (leftOut !== undefined) {
    process.stdout.write(
      `\nLeft out: the lab, end to end, and every test skipped above, because ${leftOut}.\n`,
    );
    // A CI that skips the lab proves nothing about a gateway.
    if (process.env.CI !== undefined) tallies.push({ passed: 0, failed: 1 });
  }
  const passed = sum(tallies.map((tally) => tally.passed));
  const failed = sum(tallies.map((tally) => tally.failed));
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** Why the lab cannot run on this machine; undefined if it can. */
function missingForTheLab(): string | undefined {
  if (process.platform !== "linux") return `it needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "it needs root, for network namespaces and containers";
  return undefined;
}

/** Runs a command that counts as one test. */
async function command(argv: readonly [string, ...string[]], dir = "."): Promise<Tally> {
  const passed = (await exitCode(argv, dir)) === 0;
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1 };
}

/** Runs a vitest project and takes its own counts; files that do not load count as failures. */
async function vitest(project: string, { maySkip }: { maySkip: boolean }): Promise<Tally> {
  const dir = await mkdtemp(join(tmpdir(), "claude-gateway-test-"));
  try {
    const report = join(dir, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await exitCode([bin("vitest"), "run", "--project", project, ...reporters]);
    const counts = JSON.parse(await readFile(report, "utf8")) as VitestCounts;
    return tallyOf(counts, { exitCode: code, maySkip });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function exitCode(argv: readonly [string, ...string[]], dir = "."): Promise<number | null> {
  const [program, ...args] = argv;
  const child = spawn(program, args, { cwd: join(root, dir), stdio: "inherit" });
  return await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

process.exitCode = await main();
