import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { constants } from "node:os";
import { parseOptions } from "./options.ts";

/** The SDK's exit code for "the user has already been told what is wrong". */
const EXIT_CODE_ALREADY_REPORTED = 32;
/** How long a canceled program may take to end by itself. */
const CANCEL_GRACE_MS = 5_000;

/** One run of a program, as the engine requests it. */
export interface Program {
  readonly rootDirectory: string;
  readonly programDirectory: string;
  readonly entryPoint: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly organization: string;
  readonly project: string;
  readonly stack: string;
  readonly dryRun: boolean;
  readonly parallel: number;
  readonly monitorAddress: string;
  readonly engineAddress: string;
  /** Keys are `<namespace>:<name>`. */
  readonly config: ReadonlyMap<string, string>;
  readonly configSecretKeys: readonly string[];
  readonly arguments: readonly string[];
}

/** `bail` means that the program failed and has already printed its error. */
export type Outcome = { readonly bail: boolean; readonly error: string };

/** The Node command line for a program. */
export function commandLine(program: Program, runPath: string): string[] {
  const flags: [string, string][] = [
    ["monitor", program.monitorAddress],
    ["engine", program.engineAddress],
    ["organization", program.organization],
    ["project", program.project],
    ["root-directory", program.rootDirectory],
    ["stack", program.stack],
    ["pwd", program.programDirectory],
    ["parallel", String(program.parallel)],
  ];
  return [
    ...parseOptions(program.options).nodeArguments,
    runPath,
    ...flags.flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
    ...(program.dryRun ? ["--dry-run"] : []),
    program.entryPoint,
    ...program.arguments,
  ];
}

/** The environment variables of a program, besides the engine's. */
export function environment(program: Program): Record<string, string> {
  const { typescript, tsconfig } = parseOptions(program.options);
  // The SDK still expects the old spelling of a key, `<namespace>:config:<name>`.
  const config = Object.fromEntries(
    [...program.config].map(([key, value]) => [
      key.replace(/^([^:]+):(?!config:)/, "$1:config:"),
      value,
    ]),
  );
  return {
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(program.configSecretKeys),
    ...(typescript && { PULUMI_NODEJS_TYPESCRIPT: "true" }),
    ...(tsconfig !== undefined && { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig }),
  };
}

/** The result that the engine gets for a program that has ended. */
export function outcome(code: number | null, signal: NodeJS.Signals | null): Outcome {
  if (code === 0) return { bail: false, error: "" };
  if (code === EXIT_CODE_ALREADY_REPORTED) return { bail: true, error: "" };
  const status = code ?? 128 + (signal ? constants.signals[signal] : 0);
  return { bail: false, error: `Program exited with non-zero exit code: ${status}` };
}

/** Runs a program to its end and passes its output on. Aborting `signal` interrupts it. */
export async function runProgram(program: Program, signal: AbortSignal): Promise<Outcome> {
  let command: string[];
  let variables: Record<string, string>;
  try {
    command = commandLine(program, locateRunner(program.programDirectory));
    variables = environment(program);
  } catch (error) {
    return { bail: false, error: error instanceof Error ? error.message : String(error) };
  }
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, command, {
      env: { ...process.env, ...variables },
      stdio: ["ignore", "inherit", "inherit"],
    });
    let killTimer: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      child.kill("SIGINT");
      killTimer = setTimeout(() => child.kill("SIGKILL"), CANCEL_GRACE_MS);
    };
    if (signal.aborted) interrupt();
    else signal.addEventListener("abort", interrupt);
    const finish = (result: Outcome): void => {
      clearTimeout(killTimer);
      signal.removeEventListener("abort", interrupt);
      resolve(result);
    };
    child.on("error", (error) => {
      finish({
        bail: false,
        error: `Problem executing program (could not run language executor): ${error.message}`,
      });
    });
    child.on("close", (code, killedBy) => {
      finish(outcome(code, killedBy));
    });
  });
}

function locateRunner(programDirectory: string): string {
  try {
    return createRequire(join(programDirectory, "_")).resolve("@pulumi/pulumi/cmd/run");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error(
      "It looks like the Pulumi SDK has not been installed. Have you run pulumi install?",
      { cause: error },
    );
  }
}
