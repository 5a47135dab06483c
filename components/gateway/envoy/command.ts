import { fileNames, mounts } from "./volumes.ts";

/** Arguments of {@link envoyCommandArgs}. */
export interface EnvoyCommandArgs {
  /** Longest time for a drain; the drain helper has the same limit. */
  readonly drainSeconds: number;
  /** Worker threads. Defaults to 2, the cores of a small machine; Envoy's own default is one for each core of the host. */
  readonly concurrency?: number;
}

/** Arguments of the `envoy` binary in the container; the image's entry point is the binary. */
export function envoyCommandArgs(args: EnvoyCommandArgs): readonly string[] {
  return [
    "--config-path",
    `${mounts.config}/${fileNames.bootstrap}`,
    "--concurrency",
    String(args.concurrency ?? 2),
    "--drain-time-s",
    String(args.drainSeconds),
    // From the start of a drain, every response closes its connection; by default only a growing share does.
    "--drain-strategy",
    "immediate",
    "--disable-hot-restart",
    // At `info`, Envoy logs every extension at its start. It logs rejected updates as warnings.
    "--log-level",
    "warning",
    // The access log is written after a second at the latest. The default is ten seconds.
    "--file-flush-interval-msec",
    "1000",
  ];
}
