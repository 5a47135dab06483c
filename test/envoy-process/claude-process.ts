import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  type AgentSecret,
  agentEnvironment,
  gatewayToken,
} from "../../components/agents/environment.ts";
import { ports } from "../../components/kubernetes/ports.ts";
import type { Variant } from "../../components/gateway/paths/variant.ts";
import { upstreamOf } from "../../components/gateway/paths/variant.ts";
import type { Turn } from "../lab/claude.ts";
import { claudeCodeProgram } from "../lab/parts/claude-code.ts";

/** A turn of the real Claude Code as a process on this machine. */
export interface ClaudeTurn {
  /** Path of the gateway, by which its environment is made. */
  readonly variant: Variant;
  /** Port of the gateway's listener for agents. */
  readonly port: number;
  /** The agent's token. */
  readonly token: string;
  /** Its home, in which it keeps sessions. */
  readonly home: string;
  readonly prompt: string;
  readonly resume?: string;
  /** Another program. Default: the runner's release. */
  readonly program?: string;
  readonly args?: readonly string[];
  /** More environment variables. Default none. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The environment as Kubernetes makes it of an agent's variables and its secret. */
export function environmentOf(
  variant: Variant,
  port: number,
  token: string,
): Record<string, string> {
  const secret: AgentSecret = gatewayToken;
  const baseUrl = variant.baseUrl("127.0.0.1").replace(`:${ports.agents}/`, `:${port}/`);
  const variables = agentEnvironment({
    baseUrl,
    ofProvider: upstreamOf(variant).environment,
    secret,
  });
  return Object.fromEntries(
    variables.map((each) => [each.name, "value" in each ? each.value : token]),
  );
}

/** Runs a turn. Also returns one that ended in an error. */
export async function claudeTurn(turn: ClaudeTurn): Promise<Turn> {
  const { home, prompt, resume, args = [] } = turn;
  const { stdout } = await promisify(execFile)(
    turn.program ?? (await claudeCodeProgram()),
    [
      ...["-p", prompt, "--output-format", "json"],
      ...(resume === undefined ? [] : ["--resume", resume]),
      ...args,
    ],
    {
      cwd: home,
      env: {
        ...environmentOf(turn.variant, turn.port, turn.token),
        ...turn.env,
        ...{ HOME: home, PATH: process.env.PATH, NO_PROXY: "127.0.0.1" },
        // Nothing but the gateway is to be reached.
        HTTPS_PROXY: "http://127.0.0.1:1",
      },
    },
  ).catch((error: unknown) => {
    const { stdout = "" } = error as { stdout?: string };
    if (!stdout.trimStart().startsWith("{")) throw error;
    return { stdout };
  });
  return JSON.parse(stdout) as Turn;
}
