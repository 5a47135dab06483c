import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { REPORT_COMMAND } from "../../../../../components/usage/record/record.ts";
import { line, row, TestVolume } from "./volume.ts";

const SOURCES = join(import.meta.dirname, "../../../../../components/usage/record");

let volume: TestVolume;
let scripts: string;

beforeEach(() => {
  volume = new TestVolume();
  scripts = mkdtempSync(join(tmpdir(), "usage-scripts-"));
  // As the kubelet mounts a ConfigMap: links through `..data`.
  mkdirSync(join(scripts, "..generation"));
  symlinkSync("..generation", join(scripts, "..data"));
  for (const file of readdirSync(SOURCES).filter((name) => name.endsWith(".mjs"))) {
    copyFileSync(join(SOURCES, file), join(scripts, "..generation", file));
    symlinkSync(join("..data", file), join(scripts, file));
  }
});

afterEach(() => {
  volume.remove();
  rmSync(scripts, { recursive: true, force: true });
});

function report(env: Record<string, string> = { RECORD_DIR: volume.root }) {
  const [, script, ...args] = REPORT_COMMAND;
  const argv = [script.replace("/etc/usage", scripts), ...args];
  return spawnSync(process.execPath, argv, { env, encoding: "utf8" });
}

/** A line of a request that ends now. */
function fresh(): string {
  return line({ time: new Date().toISOString(), duration_ms: 0 });
}

test("the report has what was written up to now, and nothing else is on stdout", () => {
  volume.append("envoy-a", `${fresh()}nonsense\n`);
  const { status, stdout, stderr } = report();
  expect(status).toBe(0);
  const { days, problems } = JSON.parse(stdout) as { days: { date: string }[]; problems: unknown };
  expect(days).toEqual([row(1, { date: days[0]?.date })]);
  expect(problems).toEqual({ malformed: 1, shrunk: 0 });
  expect(stderr).toContain('"level":"warning"');
});

test("the report has what was added earlier, and the reason, if nothing can be added now", () => {
  volume.append("envoy-a", fresh());
  report();
  rmSync(join(volume.root, "envoy-a"), { recursive: true });
  volume.append("envoy-b", "");
  rmSync(join(volume.root, "envoy-b/requests.jsonl"));
  mkdirSync(join(volume.root, "envoy-b/requests.jsonl"));
  const { status, stdout } = report();
  expect(status).toBe(0);
  const { days, error } = JSON.parse(stdout) as { days: { requests: number }[]; error: string };
  expect(days.map(({ requests }) => requests)).toEqual([1]);
  expect(error).toContain("EISDIR");
});

test("the program adds up while it runs, beside a report", async () => {
  volume.append("envoy-a", fresh());
  const child = spawn(process.execPath, [join(scripts, "record.mjs")], {
    env: { RECORD_DIR: volume.root },
    stdio: ["ignore", "inherit", "inherit"],
  });
  try {
    while (!readdirSync(volume.root).includes(".record")) await sleep(20);
    volume.append("envoy-a", fresh());
    const { days } = JSON.parse(report().stdout) as { days: { requests: number }[] };
    expect(days.map(({ requests }) => requests)).toEqual([2]);
  } finally {
    child.kill("SIGKILL");
  }
});

test("without the folder it fails with the variable's name", () => {
  const { status, stderr } = report({});
  expect(status).toBe(1);
  expect(stderr).toContain("RECORD_DIR must be set to the folder of the volume");
});
