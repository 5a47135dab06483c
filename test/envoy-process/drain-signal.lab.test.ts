import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { drainContainer } from "../../components/gateway/drain/drain.ts";
import { eventually } from "./envoy.ts";

const SCRIPT = fileURLToPath(new URL("../../components/gateway/drain/drain.mjs", import.meta.url));

/** The container's command, with the script of this repository in place of the mounted one. */
function command(): string[] {
  const { command = [] } = drainContainer({ image: "node", drainSeconds: 900, record: false });
  return (command as string[]).map((word) => word.replace("/etc/drain/drain.mjs", SCRIPT));
}

/** The child of a process, once there is one. */
async function childOf(parent: number): Promise<number> {
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
  const shell = await childOf(child.pid ?? 0);
  // From the moment when the shell starts Node, it handles the signal.
  await childOf(shell);
  process.kill(shell, "SIGTERM");
  expect(await exited).toEqual([0, null]);
});
