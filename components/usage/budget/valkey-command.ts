/** Arguments of {@link valkeyCommand}. */
export interface ValkeyCommandArgs {
  /** Folder of the append-only file. */
  readonly dataPath: string;
  /** TCP port. */
  readonly port: number;
}

/**
 * The command that starts Valkey. It writes every change to an append-only file, and the file to the disk every second: a
 * killed process loses nothing, a machine that loses its power the last second. Valkey writes the file anew, with only the
 * present counts, when it has doubled to 16 MiB or more.
 */
export function valkeyCommand({ dataPath, port }: ValkeyCommandArgs): string[] {
  const settings: Readonly<Record<string, string>> = {
    port: String(port),
    // The default refuses everybody but loopback where there is no password. The network policy lets only one caller in.
    "protected-mode": "no",
    dir: dataPath,
    save: "",
    appendonly: "yes",
    appendfsync: "everysec",
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "16mb",
    maxmemory: "64mb",
    // A full Valkey refuses to count. The default policy is the same, but a budget must never be forgotten.
    "maxmemory-policy": "noeviction",
  };
  return [
    "valkey-server",
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  ];
}
