import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { restartedNodeCommand } from "../../../../components/kubernetes/node-command.ts";

test("a script that ends is started again, says so, and SIGTERM ends it at once", async () => {
  const dir = await mkdtemp(join(tmpdir(), "claude-gateway-node-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const [script, starts] = [join(dir, "script.mjs"), join(dir, "starts")];
  // The third start stays.
  await writeFile(
    script,
    `import fs from "node:fs";
     fs.appendFileSync(${JSON.stringify(starts)}, "x");
     const count = fs.readFileSync(${JSON.stringify(starts)}, "utf8").length;
     if (count === 1) process.exit(7);
     if (count === 2) process.kill(process.pid, "SIGKILL");
     setInterval(() => {}, 1000);`,
  );
  const [program = "", ...args] = restartedNodeCommand(script, { heapMiB: 64, againSeconds: 0 });
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  onTestFinished(() => {
    // The group: in a container, the end of the shell ends the script too.
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  }
  await expect
    .poll(() => readFile(starts, "utf8").catch(() => ""), { timeout: 20_000 })
    .toBe("xxx");
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  const lines = said.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    [7, 137].map((status) => ({
      level: "error",
      message: `ended with status ${status}: starting again`,
    })),
  );
});
