import { spawn } from "node:child_process";
import { join } from "node:path";
import { type Lab, takeDown } from "../../lab/cluster/index.ts";
import type { Progress } from "../../lab/progress.ts";
import type { Action, ProgramSample } from "./samples.ts";

/** Measures `npm run local` with the cluster down and everything built, and again with the cluster up. */
export async function measureLocal(
  lab: Lab,
  progress: Progress,
  signal: AbortSignal,
): Promise<ProgramSample[]> {
  await takeDown(lab, progress);
  const samples: ProgramSample[] = [];
  for (const action of ["local-cluster-down", "local-again"] satisfies Action[]) {
    signal.throwIfAborted();
    const title = action === "local-again" ? "npm run local, once more" : "npm run local";
    const started = performance.now();
    await progress.step(title, () => runLocal(lab, signal));
    const seconds = (performance.now() - started) / 1000;
    samples.push({ stack: "local", agents: 1, action, seconds });
  }
  return samples;
}

async function runLocal({ cloneDir }: Lab, signal: AbortSignal): Promise<void> {
  const script = [join(cloneDir, "run.mjs"), "commands/local.ts"];
  const child = spawn(process.execPath, script, {
    cwd: cloneDir,
    stdio: ["ignore", "ignore", "pipe"],
    signal,
    killSignal: "SIGTERM",
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  if (code !== 0) throw new Error(`npm run local failed:\n${errors}`);
}
