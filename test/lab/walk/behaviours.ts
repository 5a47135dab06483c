import { expect } from "vitest";
import type { AnthropicControl } from "../anthropic/client.ts";
import { runTurn } from "../claude.ts";
import type { Target } from "../target.ts";

/** How the real Claude Code behaves through a gateway as against the upstream itself. */
export interface Behaviour {
  readonly title: string;
  readonly check: (target: Target, control: AnthropicControl, namespace: string) => Promise<void>;
}

const path = "/v1/messages";

async function attempts(control: AnthropicControl): Promise<number> {
  const records = await control.records();
  return records.filter((record) => record.url.startsWith(path)).length;
}

export const behaviours: readonly Behaviour[] = [
  {
    title: "completes a tool-use turn that runs a command",
    async check(target, control, namespace) {
      const turn = await runTurn(target, {
        namespace,
        prompt: "run: echo tool-$((6*7))",
        args: ["--allowedTools", "Bash"],
      });
      expect(turn.result).toContain("tool-42");
      expect(turn.is_error).toBe(false);
      expect(await attempts(control)).toBe(2);
    },
  },
  {
    title: "retries a 529 and a 429 until the turn completes",
    async check(target, control, namespace) {
      await control.push(
        { match: { path }, action: { kind: "error", status: 529 } },
        { match: { path }, action: { kind: "error", status: 429, retryAfterSeconds: 1 } },
      );
      const turn = await runTurn(target, { namespace, prompt: "say: retried" });
      expect(turn).toMatchObject({ result: "retried", is_error: false });
      expect(await attempts(control)).toBe(3);
    },
  },
  {
    title: "stops on a 401",
    async check(target, control, namespace) {
      await control.push({ match: { path }, times: null, action: { kind: "error", status: 401 } });
      const turn = await runTurn(target, { namespace, prompt: "say: never" });
      expect(turn.is_error).toBe(true);
      expect(turn.result).toMatch(/not logged in|authenticate|api key/i);
      expect(await attempts(control)).toBe(1);
    },
  },
];
