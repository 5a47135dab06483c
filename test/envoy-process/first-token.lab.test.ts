import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { firstTokenScript } from "../../components/gateway/mint/first-token.ts";
import { TOKENS_DIR } from "../../components/gateway/mint/place.ts";
import { readyTests } from "../../components/gateway/mint/ready.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tokens-"));
  await mkdir(join(dir, "state"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const file = (name: string) => join(dir, "state", name);

/** Starts the container's script in the pod's folder: it speaks after two seconds, and holds the pod for three. */
function start(required: string, ...optional: string[]) {
  const times = { patienceSeconds: 2, holdSeconds: 3 };
  const names = { required: [required], optional };
  const script = firstTokenScript(names, times).replaceAll(TOKENS_DIR, dir);
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

test("it stops holding the pod for an optional credential, and never for a required one", async () => {
  const ready = async () => {
    const script = readyTests({ required: ["upstream"], optional: ["github"] }).join(" && ");
    const child = spawn("sh", ["-c", script.replaceAll(TOKENS_DIR, dir)]);
    const [code] = (await once(child, "exit")) as [number];
    return code === 0;
  };
  await writeFile(file("upstream.minted"), "");
  await writeFile(file("github.problem"), "a repository is gone\n");
  expect(await start("upstream", "github").ended).toEqual({
    code: 1,
    said: "a repository is gone\n",
  });
  expect(await ready()).toBe(false);
  const again = start("upstream", "github");
  expect(await again.within(4_000)).toBe("waits");
  expect(await ready()).toBe(true);
  await rm(file("upstream.minted"));
  expect(await ready()).toBe(false);
  await again.stop();
});

test("it leaves no sign of a wait when every credential came", async () => {
  await writeFile(file("upstream.minted"), "");
  await writeFile(file("github.minted"), "");
  const container = start("upstream", "github");
  expect(await container.within(4_000)).toBe("waits");
  expect(await readdir(join(dir, "state"))).toEqual(["github.minted", "upstream.minted"]);
  await container.stop();
});
