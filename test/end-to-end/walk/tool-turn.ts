import { expect } from "vitest";
import { runTurn } from "../../lab/claude.ts";
import type { Target } from "../../lab/target.ts";

/** The real Claude Code completes a turn in which it runs a command. */
export async function completesToolTurn(target: Target, namespace: string): Promise<void> {
  const turn = await runTurn(target, {
    namespace,
    prompt: "run: echo tool-$((6*7))",
    args: ["--allowedTools", "Bash"],
  });
  expect(turn.result).toContain("tool-42");
  expect(turn.is_error).toBe(false);
}
