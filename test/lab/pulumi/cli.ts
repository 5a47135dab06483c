import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { pulumiInstallation } from "./installation.ts";
import { configFile, mirrorProject, type Project } from "./project.ts";
import { LOCKED_EXIT_CODE, run, type Ended } from "./run.ts";

/** Where Pulumi runs and where it stores its files. */
export interface PulumiOptions {
  /** The clone whose program runs. */
  readonly clone: string;
  /** Folder outside the repository for state, stack files, passphrase and plugins. Deleting it leaves no trace. */
  readonly dir: string;
  readonly progress: Progress;
  /** A program of the clone to run instead of the project's own. */
  readonly program?: string;
  /** Wraps a command line, to run it in the lab's sandbox. */
  readonly wrap?: (argv: readonly [string, ...string[]], cwd: string) => [string, ...string[]];
  /** Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Options of one command. */
export interface RunOptions {
  /** Interrupts the command when aborted: Pulumi cancels its operations, saves the state and releases its lock. */
  readonly signal?: AbortSignal;
  /** Receives Pulumi's output as it arrives. */
  readonly onOutput?: (text: string) => void;
}

/** A failed Pulumi command. The message ends with Pulumi's output. */
export class PulumiFailed extends Error {
  override readonly name = "PulumiFailed";
  readonly exitCode: number | null;
  readonly output: string;
  constructor(command: string, { exitCode, stdout, stderr }: Ended) {
    const output = (stdout + stderr).trim();
    const how = exitCode === null ? "was interrupted" : `exited with code ${exitCode}`;
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

/** The output of `pulumi preview --json`. */
export interface Preview {
  readonly steps?: readonly PreviewStep[];
  readonly changeSummary?: Readonly<Record<string, number>>;
  readonly diagnostics?: readonly { readonly message: string; readonly severity: string }[];
}

/** The stacks of one clone, in their own file backend. */
export class Pulumi {
  readonly project: Project;
  private readonly options: PulumiOptions;
  /** The CLI. */
  readonly binary: string;
  /** The environment with which any Pulumi command uses these stacks. */
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

  /** Finds or builds Pulumi and sets up its folder. Skips what is already done. */
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
        // The lab cannot download plugins.
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      }),
    };
    return new Pulumi(options, project, pulumi, env);
  }

  /** The stack `name`, whether it exists or not. */
  stack(name: string): Stack {
    return new Stack(this, name);
  }

  /** Names of the existing stacks. */
  async stacks(): Promise<string[]> {
    const list = JSON.parse(await this.execute(["stack", "ls", "--json"])) as { name: string }[];
    return list.map(({ name }) => name);
  }

  /** The shipped file of a stack. */
  shippedConfig(stack: string): string {
    return join(this.options.clone, "stacks", `Pulumi.${stack}.yaml`);
  }

  /** Runs one Pulumi command and returns its stdout. With `lock`, no other command changes that stack meanwhile. */
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
    // Name only the command, because its other arguments may contain the user's values.
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
   * Runs a command with a kernel lock that lasts as long as any of its processes. A command that holds this lock may delete
   * Pulumi's own lock, because the command that left it must have been killed.
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

  /** The stack's copy of its file, outside the repository. */
  get configFile(): string {
    return configFile(this.pulumi.project, this.name);
  }

  /** Creates the stack if it does not exist, from the shipped file of stack `like`. */
  async init(like: string = this.name): Promise<void> {
    if ((await this.pulumi.stacks()).includes(this.name)) return;
    await copyFile(this.pulumi.shippedConfig(like), this.configFile);
    await this.pulumi.execute(["stack", "init", this.name, "--no-select"]);
  }

  /** Sets a config value. `path` may point into objects, for example `gateway.path`. */
  async setConfig(
    path: string,
    value: string,
    { secret = false }: { readonly secret?: boolean } = {},
  ): Promise<void> {
    const kind = secret ? "--secret" : "--plaintext";
    // Through stdin, because every process on the machine can read a command line.
    await this.pulumi.execute(["config", "set", "--stack", this.name, "--path", path, kind], {
      input: value,
    });
  }

  /** Sets several non-secret config values with one command. */
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

  /** Shows what an update would do, without doing it. */
  async preview(options: RunOptions & { readonly refresh?: boolean } = {}): Promise<Preview> {
    const refresh = options.refresh === true ? ["--refresh"] : [];
    const args = ["preview", "--stack", this.name, "--json", ...refresh];
    return JSON.parse(await this.pulumi.execute(args, options)) as Preview;
  }

  /** `pulumi up`, or `pulumi up --refresh`. */
  async up(options: RunOptions & { readonly refresh?: boolean } = {}): Promise<void> {
    await this.change("up", options, options.refresh === true ? ["--refresh"] : []);
  }

  /** `pulumi destroy`: deletes the resources, but keeps the stack and its config. */
  async destroy(options: RunOptions = {}): Promise<void> {
    await this.change("destroy", options);
  }

  /** `pulumi refresh`: reads the resources into the state. */
  async refresh(options: RunOptions = {}): Promise<void> {
    await this.change("refresh", options);
  }

  /** The stack's outputs, with secrets decrypted. */
  async outputs(): Promise<Record<string, unknown>> {
    const args = ["stack", "output", "--stack", this.name, "--json", "--show-secrets"];
    return JSON.parse(await this.pulumi.execute(args)) as Record<string, unknown>;
  }

  /** The stack's state as it is stored, with secrets encrypted. */
  async export(): Promise<string> {
    return await this.pulumi.execute(["stack", "export", "--stack", this.name]);
  }

  /** Removes the stack itself, which must be destroyed already, and its copy of the file. */
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

/** The passphrase that encrypts the stacks' secrets: generated once, readable by its owner only. */
async function passphrase(file: string): Promise<string> {
  if (!existsSync(file)) {
    const drawn = randomBytes(24).toString("base64url");
    await writeFile(file, drawn, { mode: 0o600, flag: "wx" }).catch(() => undefined);
  }
  return await readFile(file, "utf8");
}
