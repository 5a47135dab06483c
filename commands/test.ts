import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { failuresOf, type VitestResults } from "../test/ci/failures.ts";
import { FILE_TIMES, type FileTime, slowest } from "../test/ci/file-times.ts";
import { GO_ENV } from "../test/lab/parts/go.ts";
import { installPackages } from "../test/lab/parts/debian.ts";
import { elapsed, lineProgress } from "../test/lab/progress.ts";
import { type Tally, tallyOf, type VitestCounts } from "../test/ci/tally.ts";

/**
 * `npm test`: runs lint, type check, unit tests and golden graphs; then builds the lab's parts, tests the lab's Go
 * programs and runs the lab's end-to-end tests. Ends with `N passed, N failed`. A failure does not stop later steps.
 */
interface StepResult extends Tally {
  /** How long each test file took, if the step has test files. */
  readonly files?: readonly FileTime[];
  /** What failed, each with the start of its message. Printed again at the end, because the output is long. */
  readonly failures?: readonly string[];
}

interface Step {
  readonly title: string;
  /** Prefix of the step's output lines while other steps run in parallel. */
  readonly label: string;
  /** Whether the step builds rather than tests. */
  readonly builds?: true;
  readonly run: (args: Output) => Promise<StepResult>;
}

/** Where a step's output goes: each line with a label in front, or unchanged. */
interface Output {
  readonly label: string | undefined;
}

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules/.bin", name);

const BEFORE_THE_LAB: readonly (readonly Step[])[] = [
  [
    {
      title: "format",
      label: "format",
      run: command([bin("prettier"), "--check", "--log-level=warn", "."]),
    },
    { title: "lint", label: "lint", run: command([bin("eslint"), "."]) },
    {
      title: "imports",
      label: "imports",
      run: command(["npm", "run", "--silent", "lint:imports"]),
    },
    { title: "types", label: "types", run: command([bin("tsc")]) },
  ],
  [{ title: "unit tests and golden graphs", label: "unit", run: vitest("unit") }],
];

const THE_LAB: readonly (readonly Step[])[] = [
  [
    {
      title: "build of the lab's parts and images",
      label: "build",
      builds: true,
      run: command([process.execPath, "--import", "tsx", "test/ci/build.ts"]),
    },
  ],
  [
    { title: "end-to-end tests in the lab", label: "lab", run: vitest("lab") },
    {
      title: "tests without a cluster, then those on a second cluster",
      label: "apart",
      run: inTurn(vitest("lab-apart"), vitest("lab-second")),
    },
    {
      title: "tests of the lab's Go programs",
      label: "go",
      // The same build settings as for the lab's parts, so that shared packages are compiled once.
      run: command(["go", "test", "./..."], { dir: "test/lab/netpol", env: GO_ENV }),
    },
  ],
];

async function main(): Promise<number> {
  const started = Date.now();
  const leftOut = missingForTheLab();
  if (leftOut === undefined) await installPackages(lineProgress());
  let buildMs = Date.now() - started;

  const tallies: StepResult[] = [];
  for (const stage of [...BEFORE_THE_LAB, ...(leftOut === undefined ? THE_LAB : [])]) {
    const began = Date.now();
    tallies.push(...(await Promise.all(stage.map((step) => runStep(step, stage.length > 1)))));
    if (stage.every(({ builds }) => builds)) buildMs += Date.now() - began;
  }
  if (leftOut !== undefined) {
    process.stdout.write(
      `\nNot run: the end-to-end tests in the lab, and the tests skipped above, because ${leftOut}.\n`,
    );
    // In CI the run must fail if the lab did not run: the lab's tests are the ones that test the gateway.
    if (process.env.CI !== undefined) tallies.push({ passed: 0, failed: 1 });
  }
  const files = tallies.flatMap((tally) => tally.files ?? []);
  const testMs = Date.now() - started - buildMs;
  process.stdout.write(
    `\nSlowest files:\n${slowest(files, 10).join("\n")}\n` +
      `Building took ${elapsed(buildMs)}, testing ${elapsed(testMs)}\n`,
  );
  const failures = tallies.flatMap((tally) => tally.failures ?? []);
  if (failures.length > 0) process.stdout.write(`\nFailed:\n${failures.join("\n")}\n`);
  const passed = sum(tallies.map((tally) => tally.passed));
  const failed = sum(tallies.map((tally) => tally.failed));
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

async function runStep({ title, label, run }: Step, besideOthers: boolean): Promise<StepResult> {
  const started = Date.now();
  process.stdout.write(`\n=== ${title}\n`);
  const tally = await run({ label: besideOthers ? label : undefined });
  const result = tally.failed === 0 ? "passed" : "FAILED";
  process.stdout.write(`=== ${title}: ${result} (${elapsed(Date.now() - started)})\n`);
  return tally;
}

/** Why the lab cannot run on this machine; undefined if it can. */
function missingForTheLab(): string | undefined {
  if (process.platform !== "linux")
    return `the lab needs Linux, and this machine runs ${process.platform}`;
  if (process.getuid?.() !== 0) return "the lab needs root, for network namespaces and containers";
  return undefined;
}

/** Runs a command that counts as one test. */
function command(argv: Argv, options: { dir?: string; env?: NodeJS.ProcessEnv } = {}): Step["run"] {
  return async (output) => {
    const passed = (await exitCode(argv, { ...options, ...output })) === 0;
    return passed
      ? { passed: 1, failed: 0 }
      : { passed: 0, failed: 1, failures: [`${argv.join(" ")} failed: read its output above`] };
  };
}

/** Runs steps one after another, also after a failure. */
function inTurn(...steps: readonly Step["run"][]): Step["run"] {
  return async (output) => {
    const results: StepResult[] = [];
    for (const run of steps) results.push(await run(output));
    return {
      passed: sum(results.map(({ passed }) => passed)),
      failed: sum(results.map(({ failed }) => failed)),
      files: results.flatMap(({ files }) => files ?? []),
      failures: results.flatMap(({ failures }) => failures ?? []),
    };
  };
}

/** Runs a vitest project and returns its counts. A file that does not load counts as a failure. */
function vitest(project: string): Step["run"] {
  return async (output) => {
    const dir = await mkdtemp(join(tmpdir(), "claude-gateway-test-"));
    try {
      const [report, times] = [join(dir, "report.json"), join(dir, "times.json")];
      const reporters = [
        ...["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
        "--reporter=./test/ci/file-times.ts",
      ];
      const argv: Argv = [bin("vitest"), "run", "--project", project, ...reporters];
      const code = await exitCode(argv, { ...output, env: { [FILE_TIMES]: times } });
      const results = JSON.parse(await readFile(report, "utf8")) as VitestCounts & VitestResults;
      const tally = tallyOf(results, {
        exitCode: code,
        maySkip: missingForTheLab() !== undefined,
      });
      const failures = failuresOf(results);
      if (tally.failed > failures.length) {
        failures.push(
          `${project}: vitest ended with ${code ?? "a signal"}, and not all tests ran: read its output above`,
        );
      }
      return {
        ...tally,
        failures,
        files: JSON.parse(await readFile(times, "utf8")) as FileTime[],
      };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };
}

type Argv = readonly [string, ...string[]];

async function exitCode(
  [program, ...args]: Argv,
  { dir = ".", env = {}, label }: Output & { dir?: string; env?: NodeJS.ProcessEnv },
): Promise<number | null> {
  const output = label === undefined ? "inherit" : "pipe";
  const child = spawn(program, args, {
    cwd: join(root, dir),
    env: { ...process.env, ...env },
    stdio: ["inherit", output, output],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      process.stdout.write(`${(label ?? "").padEnd(6)} │ ${line}\n`);
    });
  }
  return await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

process.exitCode = await main();
