import { chmod, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { npmInputs, npmInstall } from "./npm.ts";
import { part } from "./store.ts";

/** The program of the runner's release of Claude Code. Returns its path. */
export async function claudeCodeProgram(): Promise<string> {
  const dir = await part({
    name: "claude-code-program",
    inputs: await npmInputs("claude-code"),
    async build(dir) {
      const modules = await npmInstall("claude-code", dir);
      await rename(
        join(modules, "@anthropic-ai/claude-code-linux-x64/claude"),
        join(dir, "claude"),
      );
      await chmod(join(dir, "claude"), 0o755);
      await rm(modules, { recursive: true });
    },
  });
  return join(dir, "claude");
}
