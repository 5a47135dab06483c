/** Arguments of {@link valkeyCommand}. */
export interface ValkeyCommandArgs {
  /** Folder of the append-only file. */
  readonly dataPath: string;
  /** TCP port. */
  readonly port: number;
}

/**
 * Settings besides port and folder. Valkey writes every change to an append-only file, and the file to the disk every
 * second: a killed process loses nothing, and a machine without power loses the last second. It writes the file anew,
 * with only the present counts, when the file has doubled and has 16 MiB or more.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // By default, Valkey without a password refuses everybody but loopback. The network policy lets only one caller in.
  "protected-mode": "no",
  save: "",
  appendonly: "yes",
  appendfsync: "everysec",
  "auto-aof-rewrite-percentage": "100",
  "auto-aof-rewrite-min-size": "16mb",
  maxmemory: "64mb",
  // A full Valkey refuses to count, and forgets no count.
  "maxmemory-policy": "noeviction",
};

/** {@link SETTINGS} as arguments. */
export const valkeySettings: readonly string[] = Object.entries(SETTINGS).flatMap(
  ([name, value]) => [`--${name}`, value],
);

/** The command that starts Valkey. */
export function valkeyCommand({ dataPath, port }: ValkeyCommandArgs): string[] {
  return ["valkey-server", "--port", String(port), "--dir", dataPath, ...valkeySettings];
}
