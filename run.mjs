// Runs a TypeScript file or a program of node_modules, after installing node_modules if it is missing or
// older than the lockfile. Uses nothing but Node, because it runs before anything is installed.
import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));

function modifiedAt(file) {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: "inherit" });
  // Ctrl-C reaches the child by the terminal; this process only waits for how it ends.
  const handlers = ["SIGINT", "SIGTERM"].map((signal) => {
    const handler = () => signal === "SIGTERM" && child.kill(signal);
    process.on(signal, handler);
    return [signal, handler];
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const [name, handler] of handlers) process.off(name, handler);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

const [program, ...args] = process.argv.slice(2);
if (modifiedAt("node_modules/.package-lock.json") < modifiedAt("package-lock.json")) {
  console.error("… Installing node_modules");
  const code = await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (code !== 0) process.exit(code);
}
process.exitCode = program.endsWith(".ts")
  ? await run(process.execPath, ["--import", "tsx", program, ...args])
  : await run(join(root, "node_modules/.bin", program), args);
