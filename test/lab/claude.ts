import type { Target } from "./target.ts";

/** The fields of the result of `claude -p --output-format json` that are read here. */
export interface Turn {
  readonly result: string;
  readonly is_error: boolean;
  readonly session_id: string;
  readonly num_turns: number;
  readonly duration_ms: number;
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cache_creation_input_tokens: number;
    readonly cache_read_input_tokens: number;
  };
}

export interface TurnRequest {
  /** The agent's namespace. It must have a runner. */
  readonly namespace: string;
  readonly prompt: string;
  /** Session to continue. Default: a new one. */
  readonly resume?: string;
  /** More arguments, for example `--allowedTools Bash`. */
  readonly args?: readonly string[];
  /** More environment variables, for example `CLAUDE_CODE_MAX_RETRIES`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Runs one turn of the real Claude Code in an agent's runner. Throws if it prints no result. */
export async function runTurn(target: Target, request: TurnRequest): Promise<Turn> {
  const env = Object.entries(request.env ?? {}).map(([name, value]) => `${name}=${value}`);
  const resume = request.resume === undefined ? [] : ["--resume", request.resume];
  const command = [
    ...["exec", `--namespace=${request.namespace}`, "service/runner", "--", "env", ...env],
    ...["claude", "-p", request.prompt, "--output-format", "json", ...resume],
    ...(request.args ?? []),
  ];
  const run = request.signal === undefined ? {} : { signal: request.signal };
  const stdout = await target.kubectl(command, run).catch((error: unknown) => {
    // After a turn that ended in an error, Claude Code exits with 1 but still prints the result.
    const { stdout } = error as { stdout?: string };
    if (stdout?.trimStart().startsWith("{") !== true) throw error;
    return stdout;
  });
  return JSON.parse(stdout) as Turn;
}
