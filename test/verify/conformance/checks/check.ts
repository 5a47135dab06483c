import type { AnthropicControl } from "../../../lab/anthropic/client.ts";
import type { Turn } from "../../../lab/claude.ts";
import type { RawClient } from "../client/raw-client.ts";
import type { RunningConfiguration } from "./running-configuration.ts";

/** The groups of checks, in the order of reports. */
export const themes = {
  errors: "Errors of the API",
  "own-errors": "The gateway's own answers",
  caching: "Prompt caching",
  body: "Request bodies",
  headers: "Headers",
  streaming: "Streaming",
  tools: "Tools and thinking",
  size: "Size",
  disconnect: "Disconnects",
  connection: "Connections to the API",
  "claude-code": "The real Claude Code",
  cost: "Cost",
  configuration: "Running configuration",
} as const;

export type Theme = keyof typeof themes;

/** What a check may need and some targets lack. */
export type Need = "upstream" | "claude" | "configuration" | "requestLog" | "spender" | "long";

/** A line of the gateway's log about one request, with what the meter found. */
export interface LoggedRequest {
  readonly agent: string;
  readonly model: string | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_5m_tokens: number | null;
  readonly cache_write_1h_tokens: number | null;
  readonly cost_usd: number | null;
  readonly estimated: boolean | null;
  readonly metering: string | null;
}

/** The prompt for Claude Code in an agent's pod. */
export interface ClaudeRequest {
  readonly prompt: string;
  readonly resume?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The tools with which checks measure a gateway. */
export interface CheckContext {
  /** Sends raw HTTP from where agents run. */
  readonly client: RawClient;
  /** The fake API behind the gateway; undefined if the gateway uses the real API. */
  readonly upstream?: AnthropicControl;
  /** Runs one turn of the real Claude Code as an agent. */
  readonly claude?: (request: ClaudeRequest) => Promise<Turn>;
  /** Reads the configuration that the gateway's processes run with. */
  readonly configuration?: () => Promise<RunningConfiguration>;
  /** The log lines of the requests with this session id. */
  readonly requestLog?: (sessionId: string) => Promise<readonly LoggedRequest[]>;
  /** Another agent, whose budget is a few cents. Missing where it would spend a user's money. */
  readonly spender?: { readonly agent: string; readonly client: RawClient };
  /** How long to wait for something before the check decides that it does not happen, in milliseconds. */
  readonly patienceMs: number;
  /** Also run the checks that wait for minutes. */
  readonly long: boolean;
}

/**
 * What a check found. If the gateway changed or dropped something, `loss` says how. The table of known losses names the
 * expected `loss`, so another defect does not pass as the known one.
 */
export type Outcome =
  | { readonly kept: true; readonly evidence: string }
  | { readonly kept: false; readonly loss: string; readonly evidence: string };

export interface Check {
  /** `theme.name`, as in the table of losses and in reports. */
  readonly id: `${Theme}.${string}`;
  readonly title: string;
  /** What goes wrong for an agent without it, for a reader who does not know the project. */
  readonly protects: string;
  readonly needs: readonly Need[];
  /** The check mostly waits, so it runs in parallel with others. */
  readonly slow?: true;
  /** The check would disturb others, so it runs alone, after all others. */
  readonly alone?: true;
  run(context: CheckContext): Promise<Outcome>;
}

/** Long enough for a busy machine. Checks wait this long only for something that is lost. */
export const PATIENCE_MS = 15_000;

export function kept(evidence: string): Outcome {
  return { kept: true, evidence };
}

export function lost(loss: string, evidence: string): Outcome {
  return { kept: false, loss, evidence };
}

/** The theme of a check. */
export function themeOf(id: Check["id"]): Theme {
  return id.slice(0, id.indexOf(".")) as Theme;
}

/** The needs of a check that a context does not meet. */
export function unmetNeeds(check: Check, context: CheckContext): Need[] {
  return check.needs.filter((need) =>
    need === "long" ? !context.long : context[need] === undefined,
  );
}
