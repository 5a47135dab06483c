import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { KeyPair } from "../../lab/parts/certificates.ts";

/** Milliseconds, over all requests or frames of one measurement. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The arguments of `traffic load`. */
export interface LoadArgs {
  readonly connections: number;
  readonly seconds: number;
  /** Whether to request streams, and to measure up to their first frame. Default: JSON answers, up to their end. */
  readonly firstFrame?: boolean;
  /** Whether to open a connection for each request, and to include that in its time. Default false. */
  readonly newConnections?: boolean;
  /** Request streams of so many events, and measure up to their end. */
  readonly events?: number;
  /** Time between two events. Default 0. */
  readonly everyMs?: number;
  /** Send again at once after a refused request. */
  readonly eager?: boolean;
}

/** The output of `traffic load`. */
export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly firstError?: string;
  readonly seconds: number;
  readonly latencyMs: Quantiles;
  /** CPU seconds of the load generator itself. */
  readonly cpuSeconds: number;
}

/** The output of `traffic streams`. */
export interface StreamsResult {
  /** Number of streams that were open and got frames the whole time. */
  readonly held: number;
  readonly frames: number;
  readonly firstError?: string;
  readonly delayMs: Quantiles;
  readonly openSeconds: number;
  readonly cpuSeconds: number;
}

/** The fake API at the end of every path, on loopback. */
export interface Upstream {
  readonly pid: number;
  readonly port: number;
  /** Waits until it has no open request. Requests that stay open are counted and then closed. */
  idle(): Promise<number>;
  stop(): Promise<void>;
}

/** How long a path may take to close its requests after its clients have disconnected. */
export const LET_GO_SECONDS = 8;

/** The program for both ends of the traffic, and the CPU on which they run. */
export class Traffic {
  readonly #argv: readonly string[];

  constructor(program: string, pin: readonly string[]) {
    this.#argv = [...pin, program];
  }

  async startUpstream(certificate: KeyPair): Promise<Upstream> {
    const files = ["-cert", certificate.certFile, "-key", certificate.keyFile];
    const child = this.#spawn(["upstream", ...files]);
    const line = await Promise.race([firstLine(child), failure(child)]);
    const { port, controlPort } = JSON.parse(line) as { port: number; controlPort: number };
    return {
      pid: child.pid ?? 0,
      port,
      async idle() {
        const control = `http://127.0.0.1:${controlPort}`;
        const open = async () => Number(await (await fetch(`${control}/open`)).text());
        const left = await untilNone(open, LET_GO_SECONDS);
        if (left === 0) return 0;
        await fetch(`${control}/end`, { method: "POST" });
        if ((await untilNone(open, 60)) > 0) throw new Error("requests stay open upstream");
        return left;
      },
      async stop() {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      },
    };
  }

  /**
   * Keeps connections busy for a while. `to` contains the flags of a target. `whileOpen` is called when each connection has had
   * an answer and the measurement begins.
   */
  async load(to: readonly string[], args: LoadArgs, whileOpen: () => void): Promise<LoadResult> {
    const child = this.#startLoad(to, args);
    return JSON.parse(await lastLine(child, whileOpen)) as LoadResult;
  }

  /**
   * Floods a target on so many connections, each with one request after another, without a pause after a refusal. Resolves
   * when all have had an answer, to a function that ends it.
   */
  async flood(to: readonly string[], connections: number): Promise<() => Promise<void>> {
    const child = this.#startLoad(to, { connections, seconds: 3600, eager: true });
    const exited = once(child, "exit");
    await Promise.race([firstLine(child), failure(child)]);
    return async () => {
      child.kill("SIGKILL");
      await exited;
    };
  }

  #startLoad(to: readonly string[], args: LoadArgs) {
    return this.#spawn([
      ...["load", ...to, `-connections=${args.connections}`, `-seconds=${args.seconds}`],
      ...[`-first-frame=${args.firstFrame ?? false}`, `-events=${args.events ?? 0}`],
      `-new-connections=${args.newConnections ?? false}`,
      ...[`-every-ms=${args.everyMs ?? 0}`, `-eager=${args.eager ?? false}`],
    ]);
  }

  /** Keeps streams open for a while. `whileHeld` is called when all of them are open. */
  async streams(
    to: readonly string[],
    args: { readonly streams: number; readonly seconds: number; readonly patienceSeconds: number },
    whileHeld: () => void,
  ): Promise<StreamsResult> {
    const child = this.#spawn([
      ...["streams", ...to, `-streams=${args.streams}`, `-seconds=${args.seconds}`],
      `-patience=${args.patienceSeconds}`,
    ]);
    return JSON.parse(await lastLine(child, whileHeld)) as StreamsResult;
  }

  #spawn(args: readonly string[]) {
    const [program = "", ...rest] = this.#argv;
    return spawn(program, [...rest, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  }
}

/** Repeats a query until the answer is 0 or time is up. Returns the last answer. */
async function untilNone(ask: () => Promise<number>, seconds: number): Promise<number> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const count = await ask();
    if (count === 0 || Date.now() > deadline) return count;
    await sleep(50);
  }
}

type Piped = ChildProcessByStdio<null, Readable, Readable>;

async function firstLine(child: Piped): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return line;
}

/** The program's output at its end. `whenOpen` is called when the program reports that the measurement begins. */
async function lastLine(child: Piped, whenOpen: () => void): Promise<string> {
  let last = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    last = line;
    if (line.startsWith('{"open"')) whenOpen();
  });
  await Promise.race([once(child, "close"), failure(child)]);
  return last;
}

/** Rejects if the program fails. */
function failure(child: Piped): Promise<never> {
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((_resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) reject(new Error(`the traffic program exited with code ${code}:\n${errors}`));
    });
  });
}
