import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { drainContainer } from "../../components/gateway/drain/drain.ts";
import { eventually } from "./envoy.ts";

const SCRIPT = fileURLToPath(new URL("../../components/gateway/drain/drain.mjs", import.meta.url));

/** The container's command with the script of this repository; before it, `node` says that it is about to start. */
function command(): string[] {
  const { command = [] } = drainContainer({ image: "node", drainSeconds: 900 });
  return (command as string[]).map((word) => word.replace("/etc/drain/drain.mjs", SCRIPT));
}

/** The first process of the namespace that a process made, once there is one. */
async function firstProcess(parent: number): Promise<number> {
  const found = await eventually(
    () => Promise.resolve(spawnSync("pgrep", ["--parent", String(parent)], { encoding: "utf8" })),
    ({ stdout }) => stdout.trim() !== "",
  );
  return Number(found.stdout.trim());
}

test("the drain container ends on a SIGTERM that comes while Node still starts", async () => {
  const child = spawn("unshare", ["--pid", "--fork", "--kill-child", ...command()], {
    env: { PATH: process.env.PATH, ADMIN_PORT: "1", DRAIN_PORT: "18083", DRAIN_SECONDS: "900" },
    stdio: "inherit",
  });
  const exited = once(child, "exit");
  const first = await firstProcess(child.pid ?? 0);
  // The shell runs Node as its child: from then on it handles the signal.
  await eventually(
    () => Promise.resolve(spawnSync("pgrep", ["--parent", String(first)], { encoding: "utf8" })),
    ({ stdout }) => stdout.trim() !== "",
  );
  process.kill(first, "SIGTERM");
  expect(await exited).toEqual([0, null]);
});
