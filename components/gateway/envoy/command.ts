import { fileNames, mounts } from "./volumes.ts";

/** Arguments of {@link envoyCommandArgs}. */
export interface EnvoyCommandArgs {
  /** How long a drain may take, as for the pod's drain helper. */
  readonly drainSeconds: number;
  /** Worker threads. Defaults to 2, the small machine's cores: without it Envoy starts one a core of the host. */
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
    // Every response of a draining Envoy closes its connection, not a growing share of them.
    "--drain-strategy",
    "immediate",
    "--disable-hot-restart",
    // Below this it lists every extension it was built with; refused updates are warnings.
    "--log-level",
    "warning",
    // The access log reaches the container log within a second; the default is ten.
    "--file-flush-interval-msec",
    "1000",
  ];
}
