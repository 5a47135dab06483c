import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Target } from "../../lab/target.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { commandBlocks } from "../../lab/docs/command-blocks.ts";
import { RUNBOOK } from "../story/readme-blocks.ts";

/** What a command of the runbook did. */
export interface Typed {
  readonly line: string;
  readonly exitCode: number;
  readonly output: string;
}

/** Types every command of docs/runbook.md, as a person would with the stack's names set, and returns those that failed. */
export async function typeRunbook(args: {
  readonly target: Target;
  readonly stack: Stack;
  readonly namespace: string;
  readonly cloneDir: string;
  /** Folder for a `kubectl` that reaches the cluster. */
  readonly dir: string;
}): Promise<Typed[]> {
  const { target, stack, namespace, cloneDir, dir } = args;
  const kubectl = target.kubectlCommand([]).map((word) => `'${word}'`);
  await writeFile(join(dir, "kubectl"), `#!/bin/sh\nexec ${kubectl.join(" ")} "$@"\n`);
  await chmod(join(dir, "kubectl"), 0o755);
  const env = {
    ...process.env,
    PATH: `${dir}${delimiter}${process.env.PATH ?? ""}`,
    ...{ STACK: stack.name, NS: namespace },
  };
  const text = await readFile(join(cloneDir, RUNBOOK), "utf8");
  const lines = commandBlocks(RUNBOOK, text).flatMap((block) => block.lines);
  const typed: Typed[] = [];
  for (const line of new Set(lines.filter((one) => !one.startsWith("export ")))) {
    if (line === "pulumi up --refresh -s $STACK") {
      await stack.up({ refresh: true });
      typed.push({ line, exitCode: 0, output: "" });
    } else {
      typed.push({ line, ...(await shell(line, cloneDir, env)) });
    }
  }
  return typed;
}

function shell(line: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Omit<Typed, "line">> {
  return new Promise((resolve) => {
    execFile("bash", ["-c", line], { cwd, env, timeout: 120_000 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, output: stdout + stderr });
    });
  });
}
