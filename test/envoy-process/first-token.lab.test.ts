import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { firstTokenScript } from "../../components/gateway/mint/first-token.ts";
import { TOKENS_DIR } from "../../components/gateway/mint/place.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tokens-"));
  await mkdir(join(dir, "state"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const file = (name: string) => join(dir, "state", name);

/** Starts the container's script in the pod's folder, with two seconds of patience. */
function start(...names: string[]) {
  const script = firstTokenScript(names, 2).replaceAll(TOKENS_DIR, dir);
  const child = spawn("sh", ["-c", script], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, "exit");
  const ended = once(child, "close").then(([code]) => ({ code: code as number, said }));
  return {
    ended,
    /** What it did in this time: nothing if it still waits. */
    within: (ms: number) =>
      Promise.race([ended, new Promise((resolve) => setTimeout(resolve, ms, "waits"))]),
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      // What it sleeps in has the pipe too. In a pod it ends with the container.
      process.kill(-(child.pid ?? 0), "SIGKILL");
      return ended;
    },
  };
}

test("without a token it ends once with the helper's message, and from then on it waits", async () => {
  await writeFile(file("upstream.problem"), "check credential.audience\n");
  expect(await start("upstream").ended).toEqual({ code: 1, said: "check credential.audience\n" });
  const again = start("upstream");
  expect(await again.within(4_000)).toBe("waits");
  expect(await again.stop()).toEqual({ code: 0, said: "" });
});

test("with a token it says nothing, also when the token comes a moment later", async () => {
  await writeFile(file("upstream.problem"), "no token yet\n");
  const container = start("upstream");
  await writeFile(file("upstream.minted"), "");
  expect(await container.within(4_000)).toBe("waits");
  expect(await container.stop()).toEqual({ code: 0, said: "" });
});

test("of several credentials it says what those lack that have no token", async () => {
  await writeFile(file("upstream.minted"), "");
  await writeFile(file("upstream.problem"), "no token yet\n");
  await writeFile(file("github.problem"), "check the App's key\n");
  expect(await start("upstream", "github").ended).toEqual({
    code: 1,
    said: "check the App's key\n",
  });
});
