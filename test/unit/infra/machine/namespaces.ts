import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A network namespace that a process keeps open. Killing that process removes the namespace with everything in it. */
export interface Namespace {
  readonly pid: number;
  /** Runs a program in it and returns its stdout. If it fails, the error contains its stderr. */
  run(program: string, args: readonly string[], input?: string): string;
  /** Starts a program in it that runs until {@link close}. Waits for its first output. Returns a function that ends it earlier. */
  serve(program: string, args: readonly string[]): Promise<() => void>;
  close(): void;
}

/** Creates a network namespace. Needs root. */
export async function openNamespace(): Promise<Namespace> {
  const holder = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
  const pid = holder.pid;
  if (pid === undefined) throw new Error("unshare does not start");
  const servers: ChildProcess[] = [];
  const own = readlinkSync("/proc/self/ns/net");
  while (readlinkSync(`/proc/${pid}/ns/net`) === own) await sleep(5);
  const inside = (program: string, args: readonly string[]): string[] => [
    `--net=/proc/${pid}/ns/net`,
    program,
    ...args,
  ];
  return {
    pid,
    run(program, args, input = "") {
      const result = spawnSync("nsenter", inside(program, args), { input, encoding: "utf8" });
      if (result.status !== 0) throw new Error(`${program}: ${result.stderr}`);
      return result.stdout;
    },
    async serve(program, args) {
      const server = spawn("nsenter", inside(program, args), {
        stdio: ["ignore", "pipe", "inherit"],
      });
      servers.push(server);
      await new Promise((resolve, reject) => {
        server.stdout.once("data", resolve);
        server.once("exit", (code) => {
          reject(new Error(`${program} exited with ${code ?? "a signal"}`));
        });
      });
      return () => {
        server.kill("SIGKILL");
      };
    },
    close() {
      for (const process of [...servers, holder]) process.kill("SIGKILL");
    },
  };
}
