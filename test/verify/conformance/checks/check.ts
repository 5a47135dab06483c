import type { AnthropicControl } from "../../../lab/anthropic/client.ts";
import type { Turn } from "../../../lab/claude.ts";
import type { RawClient } from "../client/raw-client.ts";
import type { RunningConfiguration } from "./running-configuration.ts";

/** What a group of checks is about; the order is that of reports. */
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
  "claude-code": "The real Claude Code",
  configuration: "Running configuration",
} as const;

export type Theme = keyof typeof themes;

/** Parts of a target that a check may need, and not every target has. */
export type Need = "upstream" | "claude" | "configuration" | "long";

/** What Claude Code is asked in an agent's pod. */
export interface ClaudeRequest {
  readonly prompt: string;
  readonly resume?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What checks measure a gateway with. */
export interface CheckContext {
  /** Raw HTTP from where agents run. */
  readonly client: RawClient;
  /** The fake API behind the gateway; missing where the real one is. */
  readonly upstream?: AnthropicControl;
  /** Runs a turn of the real Claude Code as an agent. */
  readonly claude?: (request: ClaudeRequest) => Promise<Turn>;
  /** Reads what the gateway's processes run with. */
  readonly configuration?: () => Promise<RunningConfiguration>;
  /** What has not happened by then is taken not to happen, in milliseconds. */
  readonly patienceMs: number;
  /** Also waits through what takes minutes. */
  readonly long: boolean;
}

/**
 * What a check found. `loss` names what became of the thing that was not kept: the table of known losses
 * says which one is expected, so that another defect does not pass for it.
 */
export type Outcome =
  | { readonly kept: true; readonly evidence: string }
  | { readonly kept: false; readonly loss: string; readonly evidence: string };

export interface Check {
  /** `theme.name`, as the table of losses and reports have it. */
  readonly id: `${Theme}.${string}`;
  readonly title: string;
  /** What an agent would suffer without it, for somebody who has never seen the project. */
  readonly protects: string;
  readonly needs: readonly Need[];
  /** Waits more than it works: runs beside the others. */
  readonly slow?: true;
  /** Whether it would disturb checks beside it: it runs by itself, after all others. */
  readonly alone?: true;
  run(context: CheckContext): Promise<Outcome>;
}

/** Enough for a machine that is busy: only what is lost is waited for that long. */
export const PATIENCE_MS = 15_000;

export function kept(evidence: string): Outcome {
  return { kept: true, evidence };
}

export function lost(loss: string, evidence: string): Outcome {
  return { kept: false, loss, evidence };
}

/** The theme that a check belongs to. */
export function themeOf(id: Check["id"]): Theme {
  return id.slice(0, id.indexOf(".")) as Theme;
}

/** Needs that a context does not meet. */
export function unmetNeeds(check: Check, context: CheckContext): Need[] {
  return check.needs.filter((need) =>
    need === "long" ? !context.long : context[need] === undefined,
  );
}
