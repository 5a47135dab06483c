import type { Target } from "./target.ts";

/** A finished turn of `claude -p --output-format json`, as far as anybody here reads it. */
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
  /** The agent's namespace, which has a runner. */
  readonly namespace: string;
  readonly prompt: string;
  /** Session to continue. Default: a new one. */
  readonly resume?: string;
  /** More arguments, as `--allowedTools Bash`. */
  readonly args?: readonly string[];
  /** More environment, as `CLAUDE_CODE_MAX_RETRIES`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Runs one turn of the real Claude Code in an agent's runner. Throws when there is no result to read. */
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
    // A turn that ends in an error exits with 1 and still prints its result.
    const { stdout } = error as { stdout?: string };
    if (stdout?.trimStart().startsWith("{") !== true) throw error;
    return stdout;
  });
  return JSON.parse(stdout) as Turn;
}
