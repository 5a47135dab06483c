import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Child } from "./child.ts";
import { freePort } from "./free-port.ts";

/** Debian's package redis-server is only a link to this program of redis-tools. */
const PROGRAM = "/usr/bin/redis-check-rdb";

/** A running Redis, from which Valkey was forked. */
export interface RedisProcess {
  readonly pid: number;
  readonly port: number;
  /** Its data folder. It is deleted on `stop`, unless the caller gave it. */
  readonly dir: string;
  /** Runs redis-cli with a command, for example `["GET", "key"]`, and returns its answer without the last newline. */
  cli(command: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Starts Debian's Redis on loopback and waits until it answers. */
export async function startRedis(
  options: {
    /** Arguments of the server besides its address, port and folder. Default: none. */
    readonly args?: readonly string[];
    /** Default: a free one. */
    readonly port?: number;
    /** An existing data folder. Default: a new, empty one. */
    readonly dir?: string;
    /** Command that starts it, for example `taskset` with its arguments. */
    readonly startedBy?: readonly string[];
  } = {},
): Promise<RedisProcess> {
  const port = options.port ?? (await freePort());
  const scratch = await mkdtemp(join(tmpdir(), "redis-"));
  const dir = options.dir ?? scratch;
  const server = join(scratch, "redis-server");
  await symlink(PROGRAM, server);
  const address = ["--bind", "127.0.0.1", "--port", String(port), "--dir", dir];
  const command = [...(options.startedBy ?? []), server];
  const child = new Child([...command, ...address, ...(options.args ?? [])]);
  const cli = async (command: readonly string[]) => {
    const { stdout } = await promisify(execFile)("redis-cli", ["-p", String(port), ...command]);
    return stdout.replace(/\n$/, "");
  };
  await child.ready("Redis", async () => (await cli(["PING"])) === "PONG");
  return {
    pid: child.pid,
    port,
    dir,
    cli,
    async stop() {
      await child.stop();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
