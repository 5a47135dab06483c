import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Files } from "../../components/gateway/envoy/args.ts";
import { envoyCommandArgs } from "../../components/gateway/envoy/command.ts";
import { CREDENTIAL_SECRET } from "../../components/gateway/envoy/headers.ts";
import { ports } from "../../components/kubernetes/ports.ts";
import { socketAddress } from "../../components/gateway/envoy/proto.ts";
import { mounts, SYSTEM_CA_FILE, UPSTREAM_TOKEN } from "../../components/gateway/envoy/volumes.ts";
import { outputFile, TOKENS_DIR } from "../../components/gateway/mint/place.ts";
import { RECORD_DIR } from "../../components/usage/record/place.ts";
import { labCa } from "../lab/parts/ca.ts";
import { envoyProgram } from "../lab/parts/envoy.ts";
import { Volume } from "./volume.ts";

/** Ports that agents, LiteLLM, the kubelet or the drain helper use. */
export type PortName = "agents" | "egress" | "sni" | "health" | "admin" | "otlp";

const PORT_NAMES: readonly PortName[] = ["agents", "egress", "sni", "health", "admin", "otlp"];

/** The helper's file before there is a token. */
export const NO_TOKEN = JSON.stringify({
  resources: [
    {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
      name: CREDENTIAL_SECRET,
      generic_secret: { secret: { inline_string: "" } },
    },
  ],
});

/** A line of the access log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The options of {@link Envoy.start}. */
export interface EnvoyOptions {
  readonly config: Files;
  readonly secrets?: Files;
  /** Folder of the helper that mints. Default: a folder in which no token was made yet. */
  readonly tokens?: string;
  /** Where the hosts behind Envoy really listen: rendered `"host:port"` → port on loopback. */
  readonly hosts?: Readonly<Record<string, number>>;
  /** UDP port of a DNS server on loopback that resolves the hosts behind Envoy, instead of `hosts`. */
  readonly resolver?: number;
  readonly drainSeconds?: number;
  /** Worker threads. Default: as deployed. */
  readonly concurrency?: number;
  /** Command that starts Envoy, for example `taskset` with its arguments. */
  readonly startedBy?: readonly string[];
  /** Whether to fill {@link Envoy.accessLog}. Default true. Reading the log uses CPU time of this process. */
  readonly readLog?: boolean;
}

/**
 * The real Envoy with rendered files. Only what does not work on loopback is replaced in them: the folders, the ports,
 * the addresses behind Envoy and the file of certificate authorities.
 */
export class Envoy {
  readonly accessLog: LogLine[] = [];
  readonly ports: Readonly<Record<PortName, number>>;
  stderr = "";
  readonly #dir: string;
  readonly #options: EnvoyOptions;
  readonly #caFile: string;
  readonly #config: Volume;
  readonly #secrets: Volume;
  #process: ChildProcess | undefined;

  private constructor(
    dir: string,
    options: EnvoyOptions,
    caFile: string,
    freePorts: Readonly<Record<PortName, number>>,
  ) {
    this.#dir = dir;
    this.#options = options;
    this.#caFile = caFile;
    this.ports = freePorts;
    this.#config = new Volume(join(dir, "config"));
    this.#secrets = new Volume(join(dir, "secrets"));
  }

  /** Starts Envoy and waits until it is ready. */
  static async start(options: EnvoyOptions): Promise<Envoy> {
    const envoy = await Envoy.#prepare(options);
    await envoy.#spawn();
    await eventually(
      () => envoy.admin("/ready"),
      ({ status }) => status === 200,
    );
    return envoy;
  }

  /** The output of `envoy --mode validate`. Rejects if Envoy rejects the configuration. */
  static async validate(options: EnvoyOptions): Promise<string> {
    const envoy = await Envoy.#prepare(options);
    try {
      const { stdout, stderr } = await promisify(execFile)(await envoyProgram(), [
        ...envoy.#commandArgs(),
        "--mode",
        "validate",
      ]);
      return stdout + stderr;
    } finally {
      await envoy.stop();
    }
  }

  static async #prepare(options: EnvoyOptions): Promise<Envoy> {
    const dir = await mkdtemp(join(tmpdir(), "envoy-"));
    const envoy = new Envoy(dir, options, (await labCa()).certFile, await freePorts());
    await mkdir(join(dir, "config"));
    await mkdir(join(dir, "secrets"));
    await mkdir(envoy.recordDir, { recursive: true });
    if (options.tokens === undefined) {
      await mkdir(envoy.#tokens);
      await writeFile(outputFile(UPSTREAM_TOKEN).replace(TOKENS_DIR, envoy.#tokens), NO_TOKEN);
    }
    await envoy.updateConfig(options.config);
    await envoy.updateSecrets(options.secrets ?? {});
    return envoy;
  }

  /** Replaces the ConfigMap's files. */
  async updateConfig(files: Files): Promise<void> {
    await this.#config.update(this.#relocate(files));
  }

  /** Replaces the Secret's files. */
  async updateSecrets(files: Files): Promise<void> {
    await this.#secrets.update(this.#relocate(files));
  }

  /** Sends a request to the admin interface. */
  async admin(path: string, method = "GET"): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.ports.admin}${path}`, { method });
    return { status: response.status, text: await response.text() };
  }

  /** A statistic's value. */
  async stat(name: string): Promise<number> {
    const { text } = await this.admin(`/stats?filter=^${name.replaceAll(".", "\\.")}$`);
    return Number(text.slice(text.indexOf(":") + 1));
  }

  /** Waits for the first access-log line that matches, and returns it. */
  async logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    const line = await eventually(
      () => Promise.resolve(this.accessLog.find(fits)),
      (found) => found !== undefined,
    );
    return line as LogLine;
  }

  /** The pod's folder of the record's volume. */
  get recordDir(): string {
    return join(this.#dir, "volume/pod");
  }

  get #tokens(): string {
    return this.#options.tokens ?? join(this.#dir, "tokens");
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get exitCode(): number | null | undefined {
    return this.#process?.exitCode;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child?.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #spawn(): Promise<void> {
    const argv = [...(this.#options.startedBy ?? []), await envoyProgram(), ...this.#commandArgs()];
    const [program = "", ...args] = argv;
    const child = spawn(program, args, {
      stdio: ["ignore", this.#options.readLog === false ? "ignore" : "pipe", "pipe"],
    });
    this.#process = child;
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) =>
      this.accessLog.push(JSON.parse(line) as LogLine),
    );
  }

  #commandArgs(): string[] {
    const { drainSeconds = 900, concurrency } = this.#options;
    const args = [
      ...envoyCommandArgs({ drainSeconds, ...(concurrency !== undefined && { concurrency }) }),
    ];
    // Envoy writes its log once a second. Tests wait for its lines.
    const flush = args.indexOf("--file-flush-interval-msec");
    if (flush !== -1) args[flush + 1] = "50";
    return args.map((arg) => arg.replace(mounts.config, join(this.#dir, "config")));
  }

  #relocate(files: Files): Files {
    return Object.fromEntries(
      Object.entries(files).map(([name, text]) => [
        name,
        JSON.stringify(JSON.parse(text, (_key, value: unknown) => this.#moved(value))),
      ]),
    );
  }

  #moved(value: unknown): unknown {
    if (typeof value === "string") {
      if (value === SYSTEM_CA_FILE) return this.#caFile;
      return value
        .replace(mounts.config, join(this.#dir, "config"))
        .replace(mounts.secrets, join(this.#dir, "secrets"))
        .replace(TOKENS_DIR, this.#tokens)
        .replace(RECORD_DIR, this.recordDir);
    }
    const { resolver } = this.#options;
    if (resolver !== undefined && isResolver(value)) {
      return { ...value, resolvers: [socketAddress("127.0.0.1", resolver)] };
    }
    if (!isSocketAddress(value)) return value;
    const { address, port_value: port } = value;
    // A host first: the rate-limit service has the number of one of Envoy's own ports.
    const moved = this.#options.hosts?.[`${address}:${port}`];
    const name = PORT_NAMES.find((known) => ports[known] === port);
    if (name !== undefined && moved === undefined)
      return { address: "127.0.0.1", port_value: this.ports[name] };
    if (resolver !== undefined) return value;
    // A host that no test serves is unreachable: nothing listens on port 1.
    return { address: "127.0.0.1", port_value: moved ?? 1 };
  }
}

function isResolver(value: unknown): value is object {
  return typeof value === "object" && value !== null && "query_tries" in value;
}

function isSocketAddress(value: unknown): value is { address: string; port_value: number } {
  return typeof value === "object" && value !== null && "port_value" in value;
}

async function freePorts(): Promise<Readonly<Record<PortName, number>>> {
  const servers = await Promise.all(
    PORT_NAMES.map(async (name) => {
      const server = net.createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return { name, server, port: (server.address() as AddressInfo).port };
    }),
  );
  for (const { server } of servers) {
    server.close();
    await once(server, "close");
  }
  return Object.fromEntries(servers.map(({ name, port }) => [name, port])) as Record<
    PortName,
    number
  >;
}

/** Repeats a query until the answer matches. After 30 s it fails with the last answer or error. */
export async function eventually<T>(
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + 30_000;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (fits(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(20);
  }
  throw new Error(`condition not met after 30 s; last answer: ${JSON.stringify(last)}`, {
    cause: last,
  });
}
