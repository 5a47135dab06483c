import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Files } from "../../components/gateway/envoy/args.ts";
import { ratelimitPart } from "../lab/parts/programs.ts";
import type { Progress } from "../lab/progress.ts";
import { Child } from "./child.ts";
import { freePort } from "./free-port.ts";
import { Volume } from "./volume.ts";

/** A running rate limit service. */
export interface RatelimitProcess {
  readonly pid: number;
  /** For Envoy. */
  readonly grpcPort: number;
  /** Serves `/healthcheck` and `/json`. */
  readonly httpPort: number;
  /** Serves `/rlconfig` and `/stats`. */
  readonly debugPort: number;
  /** Serves `/metrics` if the environment turns Prometheus on. */
  readonly metricsPort: number;
  /** Replaces the files of the limits at once, as a changed ConfigMap does. */
  updateConfig(files: Files): Promise<void>;
  /** The loaded limits, one a line. */
  config(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts the real rate limit service and waits until it is healthy. Of the environment, only what does not work on loopback
 * is replaced: the root folder, the listeners, the address of Redis and how often metrics are renewed.
 */
export async function startRatelimit(
  args: {
    /** The files of the limits, by name. */
    readonly config: Files;
    /** Where the ConfigMap with these files is mounted in the pod. */
    readonly mountPath: string;
    /** The environment as deployed, with `RUNTIME_ROOT`. */
    readonly env: Readonly<Record<string, string>>;
    /** Port of Redis on loopback. */
    readonly redisPort: number;
    /** Default: a free one. */
    readonly grpcPort?: number;
    /** Command that starts it, for example `taskset` with its arguments. */
    readonly startedBy?: readonly string[];
  },
  progress: Progress,
): Promise<RatelimitProcess> {
  const program = join(await ratelimitPart(progress), "ratelimit");
  const grpcPort = args.grpcPort ?? (await freePort());
  const [httpPort, debugPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const dir = await mkdtemp(join(tmpdir(), "ratelimit-"));
  const volume = new Volume(join(dir, args.mountPath));
  await volume.update(args.config);
  const child = new Child([...(args.startedBy ?? []), program], {
    ...args.env,
    ...{ HOST: "127.0.0.1", PORT: String(httpPort) },
    ...{ GRPC_HOST: "127.0.0.1", GRPC_PORT: String(grpcPort) },
    ...{ DEBUG_HOST: "127.0.0.1", DEBUG_PORT: String(debugPort) },
    PROMETHEUS_ADDR: `127.0.0.1:${metricsPort}`,
    RUNTIME_ROOT: join(dir, args.env.RUNTIME_ROOT ?? ""),
    REDIS_URL: `127.0.0.1:${args.redisPort}`,
    // The metrics are renewed every 10 s. Tests wait for them.
    STATS_FLUSH_INTERVAL: "500ms",
  });
  const ask = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  await child.ready("ratelimit", async () => (await ask(httpPort, "/healthcheck")).ok);
  return {
    ...{ pid: child.pid, grpcPort, httpPort, debugPort, metricsPort },
    updateConfig: (files) => volume.update(files),
    config: async () => (await ask(debugPort, "/rlconfig")).text(),
    async stop() {
      await child.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
