import { chmod, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { npmInputs, npmInstall } from "../parts/npm.ts";
import type { ImageContent } from "./archive.ts";
import { debianLayers } from "./debian.ts";
import { layer, type Layer } from "./layer.ts";
import { addUser, nodeEnv, nodeLayer } from "./node.ts";
import { trustLayer } from "./trust.ts";

const MODULES = "usr/local/lib/node_modules";
const CLAUDE_CODE = "@anthropic-ai/claude-code";
const USER = "agent";

/** The image of the lab's agents, equivalent to components/agents/runner/Containerfile. */
export async function runnerImage(progress: Progress): Promise<ImageContent> {
  const { system, python, tools } = await debianLayers(progress);
  const node = await nodeLayer(progress);
  const claudeCode = await claudeCodeLayer(system, progress);
  return {
    layers: [system, python, tools, node, claudeCode, await trustLayer(progress)],
    config: {
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["bash"],
      Env: [...nodeEnv(), `HOME=/home/${USER}`],
      User: "1000:1000",
      WorkingDir: `/home/${USER}`,
    },
  };
}

/** The release of Claude Code in the runner. */
export async function claudeCodeVersion(): Promise<string> {
  const manifest = join(import.meta.dirname, "../parts/claude-code/package.json");
  const { dependencies } = JSON.parse(await readFile(manifest, "utf8")) as {
    dependencies: Record<string, string>;
  };
  const version = dependencies[CLAUDE_CODE];
  if (version === undefined) throw new Error(`${manifest} does not require ${CLAUDE_CODE}`);
  return version;
}

async function claudeCodeLayer(system: Layer, progress: Progress): Promise<Layer> {
  return layer(
    {
      name: "claude-code",
      source: import.meta.filename,
      inputs: [...(await npmInputs("claude-code")), system.digest],
      async fill(root, scratch) {
        const modules = await npmInstall("claude-code", scratch);
        const installed = join(root, MODULES, CLAUDE_CODE);
        await mkdir(join(root, MODULES, "@anthropic-ai"), { recursive: true });
        await rename(join(modules, CLAUDE_CODE), installed);
        // Does what the package's install script does: the real program replaces a file that says it is missing.
        const program = join(installed, "bin/claude.exe");
        await rm(program);
        await rename(join(modules, `${CLAUDE_CODE}-linux-x64/claude`), program);
        await chmod(program, 0o755);
        await mkdir(join(root, "usr/local/bin"));
        await symlink(
          `/${MODULES}/${CLAUDE_CODE}/bin/claude.exe`,
          join(root, "usr/local/bin/claude"),
        );
        await addUser(root, system, USER);
      },
    },
    progress,
  );
}
