import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { pulumiInstallation } from "./installation.ts";
import { configFile, mirrorProject, type Project } from "./project.ts";
import { LOCKED_EXIT_CODE, run, type Ended } from "./run.ts";

/** Where Pulumi runs and where it keeps things. */
export interface PulumiOptions {
  /** The clone whose program is run. */
  readonly clone: string;
  /** Folder outside the tree for state, stack files, passphrase and plugins; to delete it leaves no trace. */
  readonly dir: string;
  readonly progress: Progress;
  /** Program of the clone to run in place of its own. */
  readonly program?: string;
  /** Wraps a command line, to run it in the lab's sandbox. */
  readonly wrap?: (argv: readonly [string, ...string[]], cwd: string) => [string, ...string[]];
  /** Defaults to this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What one command may be given. */
export interface RunOptions {
  /** Interrupts the command when aborted: operations are cancelled, the state is saved, no lock stays. */
  readonly signal?: AbortSignal;
  /** Receives Pulumi's output as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** A Pulumi command that failed; the message ends with what Pulumi said. */
export class PulumiFailed extends Error {
  override readonly name = "PulumiFailed";
  readonly exitCode: number | null;
  readonly output: string;
  constructor(command: string, { exitCode, stdout, stderr }: Ended) {
    const output = (stdout + stderr).trim();
    const how = exitCode === null ? "was interrupted" : `ended with ${exitCode}`;
    super(`pulumi ${command} ${how}:\n${output}`);
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** One step of a preview. */
export interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly replaceReasons?: readonly string[];
}

/** What `pulumi preview --json` says. */
export interface Preview {
  readonly steps?: readonly PreviewStep[];
  readonly changeSummary?: Readonly<Record<string, number>>;
  readonly diagnostics?: readonly { readonly message: string; readonly severity: string }[];
}

/** The stacks of one clone on a file backend of their own. */
export class Pulumi {
  readonly project: Project;
  private readonly options: PulumiOptions;
  /** The CLI. */
  readonly binary: string;
  /** The environment that makes any Pulumi command one on these stacks. */
  readonly env: NodeJS.ProcessEnv;

  private constructor(
    options: PulumiOptions,
    project: Project,
    binary: string,
    env: NodeJS.ProcessEnv,
  ) {
    this.options = options;
    this.project = project;
    this.binary = binary;
    this.env = env;
  }

  /** Finds or builds Pulumi and sets up its folder; does nothing twice. */
  static async open(options: PulumiOptions): Promise<Pulumi> {
    const { dir, clone, progress } = options;
    const state = join(dir, "state");
    await mkdir(state, { recursive: true });
    await mkdir(join(dir, "locks"), { recursive: true });
    const base = options.env ?? process.env;
    const { pulumi, home } = await pulumiInstallation(join(dir, "home"), progress, base.PATH);
    const project = await mirrorProject(clone, join(dir, "project"), options.program);
    const env = {
      ...base,
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: await passphrase(join(dir, "passphrase")),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      ...(home !== undefined && {
        PULUMI_HOME: home,
        // There is nowhere to fetch a plugin from.
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      }),
    };
    return new Pulumi(options, project, pulumi, env);
  }

  /** The stack `name`, existing or not. */
  stack(name: string): Stack {
    return new Stack(this, name);
  }

  /** Names of the stacks that exist. */
  async stacks(): Promise<string[]> {
    const list = JSON.parse(await this.execute(["stack", "ls", "--json"])) as { name: string }[];
    return list.map(({ name }) => name);
  }

  /** The shipped file of a stack. */
  shippedConfig(stack: string): string {
    return join(this.options.clone, "stacks", `Pulumi.${stack}.yaml`);
  }

  /** Runs one Pulumi command and returns what it wrote to stdout; with `lock`, as the only one of that stack. */
  async execute(
    args: readonly string[],
    options: RunOptions & { readonly lock?: string; readonly input?: string } = {},
  ): Promise<string> {
    const { dir } = this.project;
    const command: [string, ...string[]] = [this.binary, ...args, "--non-interactive"];
    const wrapped = this.options.wrap?.(command, dir) ?? command;
    const attempt = (nonblock: boolean): Promise<Ended> =>
      run({
        argv: options.lock === undefined ? wrapped : this.locked(options.lock, nonblock, wrapped),
        cwd: dir,
        env: this.env,
        signal: options.signal,
        onOutput: options.onOutput,
        input: options.input,
      });
    let ended = await attempt(true);
    if (ended.exitCode === LOCKED_EXIT_CODE && options.lock !== undefined) {
      this.options.progress.note(`Waiting for another command that changes stack ${options.lock}`);
      ended = await attempt(false);
    }
    // What stands on the command line may be a value of the user's: only the command is named.
    const name = args.slice(
      0,
      Math.max(
        1,
        args.findIndex((arg) => arg.startsWith("-")),
      ),
    );
    if (ended.exitCode !== 0) throw new PulumiFailed(name.join(" "), ended);
    return ended.stdout;
  }

  /**
   * Puts a command behind a lock of the kernel's that lasts as long as any process of it. Whoever has that lock
   * may take Pulumi's own away: the command that left it there was killed.
   */
  private locked(stack: string, nonblock: boolean, argv: readonly string[]): [string, ...string[]] {
    const { dir } = this.options;
    const leftover = join(dir, "state/.pulumi/locks/organization", this.project.name, stack);
    const script = 'rm -rf "$1"; shift; exec "$@"';
    return [
      "flock",
      ...(nonblock ? ["--nonblock", `--conflict-exit-code=${LOCKED_EXIT_CODE}`] : []),
      join(dir, "locks", stack),
      ...["sh", "-c", script, "sh", leftover, ...argv],
    ];
  }
}

/** One stack of a clone. */
export class Stack {
  readonly name: string;
  private readonly pulumi: Pulumi;

  constructor(pulumi: Pulumi, name: string) {
    this.pulumi = pulumi;
    this.name = name;
  }

  /** The stack's copy of its file, outside the tree. */
  get configFile(): string {
    return configFile(this.pulumi.project, this.name);
  }

  /** Creates the stack if there is none, from the shipped file of stack `like`. */
  async init(like: string = this.name): Promise<void> {
    if ((await this.pulumi.stacks()).includes(this.name)) return;
    await copyFile(this.pulumi.shippedConfig(like), this.configFile);
    await this.pulumi.execute(["stack", "init", this.name, "--no-select"]);
  }

  /** Sets a config value; `path` reaches into objects, as in `gateway.path`. */
  async setConfig(
    path: string,
    value: string,
    { secret = false }: { readonly secret?: boolean } = {},
  ): Promise<void> {
    const kind = secret ? "--secret" : "--plaintext";
    // By standard input: a value on the command line is there for every process of the machine to read.
    await this.pulumi.execute(["config", "set", "--stack", this.name, "--path", path, kind], {
      input: value,
    });
  }

  /** Sets config values, none of them secret, by one command. */
  async configure(values: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(values).flatMap(([path, value]) => [
      "--plaintext",
      `${path}=${value}`,
    ]);
    await this.pulumi.execute(["config", "set-all", "--stack", this.name, "--path", ...pairs]);
  }

  /** Removes a config value. */
  async removeConfig(path: string): Promise<void> {
    await this.pulumi.execute(["config", "rm", "--stack", this.name, "--path", path]);
  }

  /** Says what an update would do, and does nothing. */
  async preview(options: RunOptions & { readonly refresh?: boolean } = {}): Promise<Preview> {
    const refresh = options.refresh === true ? ["--refresh"] : [];
    const args = ["preview", "--stack", this.name, "--json", ...refresh];
    return JSON.parse(await this.pulumi.execute(args, options)) as Preview;
  }

  /** `pulumi up`, or `pulumi up --refresh`. */
  async up(options: RunOptions & { readonly refresh?: boolean } = {}): Promise<void> {
    await this.change("up", options, options.refresh === true ? ["--refresh"] : []);
  }

  /** `pulumi destroy`: the resources go, the stack and its config stay. */
  async destroy(options: RunOptions = {}): Promise<void> {
    await this.change("destroy", options);
  }

  /** `pulumi refresh`: reads the resources into the state. */
  async refresh(options: RunOptions = {}): Promise<void> {
    await this.change("refresh", options);
  }

  /** The stack's outputs, secrets in the clear. */
  async outputs(): Promise<Record<string, unknown>> {
    const args = ["stack", "output", "--stack", this.name, "--json", "--show-secrets"];
    return JSON.parse(await this.pulumi.execute(args)) as Record<string, unknown>;
  }

  /** The stack's state as it is stored, secrets encrypted. */
  async export(): Promise<string> {
    return await this.pulumi.execute(["stack", "export", "--stack", this.name]);
  }

  /** Removes the stack itself, which must have been destroyed, and its copy of the file. */
  async remove(): Promise<void> {
    if (!(await this.pulumi.stacks()).includes(this.name)) return;
    await this.pulumi.execute(["stack", "rm", this.name, "--yes"], { lock: this.name });
    await rm(this.configFile, { force: true });
  }

  private async change(
    command: string,
    options: RunOptions,
    args: readonly string[] = [],
  ): Promise<void> {
    const quiet = ["--yes", "--skip-preview", "--suppress-progress", "--suppress-outputs"];
    const color = ["--color", process.stderr.isTTY ? "always" : "never"];
    await this.pulumi.execute([command, "--stack", this.name, ...args, ...quiet, ...color], {
      ...options,
      lock: this.name,
    });
  }
}

/** The passphrase that encrypts the stacks' secrets: drawn once, readable by its owner alone. */
async function passphrase(file: string): Promise<string> {
  if (!existsSync(file)) {
    const drawn = randomBytes(24).toString("base64url");
    await writeFile(file, drawn, { mode: 0o600, flag: "wx" }).catch(() => undefined);
  }
  return await readFile(file, "utf8");
}
