import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BadInput, runCommand } from "../cli/command-line.ts";
import { lineProgress } from "../test/lab/progress.ts";
import { circumstancesAtStart } from "../test/bench/circumstances.ts";
import { type Part, parseOptions, USAGE } from "../test/bench/options.ts";
import { measureHostLists } from "../test/bench/program/hosts.ts";
import { measureProgram } from "../test/bench/program/measure.ts";
import { measureRelay } from "../test/bench/relay/rounds.ts";
import { hostSubjectNames, subjectNames } from "../test/bench/relay/subjects/subject.ts";
import { overviewSvg } from "../test/bench/report/growth.ts";
import { FEW, MANY } from "../test/bench/report/hosts.ts";
import { renderHtml } from "../test/bench/report/html.ts";
import { type Report, reportOf } from "../test/bench/report/report.ts";
import { renderTerminal } from "../test/bench/report/terminal.ts";

const progress = lineProgress();

/** `npm run bench`: measures the latency and throughput that each path adds, all paths side by side in one run. */
async function main(signal: AbortSignal): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new BadInput("npm run bench starts parts of the lab, so it needs Linux and root");
  }
  const circumstances = await circumstancesAtStart();
  const common = { progress, signal };
  const relayArgs = { ...common, rounds: options.rounds };
  // Report what was measured even if the rest fails.
  const failures: unknown[] = [];
  const part = async <T>(name: Part, work: () => Promise<T>): Promise<T | undefined> => {
    if (!options.parts.includes(name)) return undefined;
    return await work().catch((error: unknown) => {
      failures.push(error);
      return undefined;
    });
  };
  const relay = await part("relay", () => measureRelay({ ...RELAY, ...relayArgs }));
  const program = await part("program", () => measureProgram({ ...PROGRAM, ...common }));
  const hosts = await part("hosts", async () => ({
    relay: await measureRelay({ ...HOSTS, ...relayArgs }),
    program: await measureHostLists([FEW.hosts, MANY.hosts], { ...common, repeats: 2 }),
  }));
  const flood = await part("flood", () => measureRelay({ ...FLOOD, ...relayArgs }));
  const results = {
    ...(relay && { relay }),
    ...(program && { program }),
    ...(hosts && { hosts }),
    ...(flood && { flood }),
  };
  const report = reportOf(circumstances(), results);
  await write(report, options);
  process.stdout.write(renderTerminal(report));
  for (const error of failures) throw error;
  return 0;
}

const RELAY = {
  subjects: subjectNames,
  extent: {
    connections: [1, 16, 64],
    // LiteLLM answers 64 connections in about 0.7 s.
    loadSeconds: 2,
    events: [400],
    agents: [10, 100, 1000],
    flood: [],
    floodSeconds: 0,
    streams: [200, 1000],
    holdSeconds: 2.5,
    patienceSeconds: 45,
  },
} as const;

const HOSTS = {
  subjects: ["direct", ...hostSubjectNames],
  extent: {
    ...{ connections: [1, 16], loadSeconds: 2, newConnections: [1], events: [], agents: [] },
    ...{ flood: [], floodSeconds: 0, streams: [], holdSeconds: 0, patienceSeconds: 45 },
  },
} as const;

const FLOOD = {
  subjects: ["envoy"],
  extent: {
    ...RELAY.extent,
    ...{ connections: [], events: [], agents: [], streams: [] },
    // What one pod may open to the gateway, and what an agent with nine pods may.
    flood: [0, 120, 1000],
    floodSeconds: 6,
  },
} as const;

const PROGRAM = {
  // Hybrid is shim with one more listener in the same Envoy.
  paths: ["litellm", "shim", "envoy"],
  agents: [10, 50],
  repeats: 2,
  local: true,
} as const;

/** More digits would only show noise. */
function fewDigits(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}

async function write(
  report: Report,
  files: { readonly [Name in "json" | "html" | "svg"]: string | undefined },
): Promise<void> {
  const texts = {
    json: () => `${JSON.stringify(report, fewDigits, 2)}\n`,
    html: () => renderHtml(report),
    svg: () => overviewSvg(report),
  };
  for (const name of ["json", "html", "svg"] as const) {
    const file = files[name];
    if (file === undefined) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, texts[name]());
  }
}

await runCommand(main, {
  usage: USAGE,
  onInterrupt: (signal) => {
    progress.note(`${signal}: stopping after the current measurement`);
  },
});
