import { cp, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineProgress } from "../progress.ts";
import { Pulumi, type Preview, type Stack } from "./cli.ts";
import { TrialApiServer } from "./trial/apiServer.ts";

const HERE = import.meta.dirname;
const ROOT = join(HERE, "../../..");
const PLANTED = "planted-token-value";
const progress = lineProgress();

let folder: string;
let clone: string;
let api: TrialApiServer;
let pulumi: Pulumi;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trial-cli-"));
  clone = join(folder, "clone");
  await cp(join(HERE, "trial/project"), clone, { recursive: true });
  for (const entry of ["node_modules", "package.json"]) {
    await symlink(join(ROOT, entry), join(clone, entry));
  }
  api = await TrialApiServer.start(progress);
  pulumi = await Pulumi.open({ clone, dir: join(folder, "pulumi"), progress });
});

afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A stack that is ready for `up`. */
async function prepared(name: string): Promise<Stack> {
  const stack = pulumi.stack(name);
  await stack.init("small");
  await stack.setConfig("kubeconfig", api.kubeconfig);
  await stack.setConfig("token", PLANTED, { secret: true });
  return stack;
}

const decode = (base64: string): string => Buffer.from(base64, "base64").toString();

const steps = (preview: Preview): string[] =>
  (preview.steps ?? [])
    .filter(({ op }) => op !== "same")
    .map(({ op, urn }) => `${op} ${urn.slice(urn.lastIndexOf("::") + 2)}`);

async function namespaces(): Promise<string[]> {
  const list = await api.kubectl(
    "get",
    "namespaces",
    "--output=jsonpath={.items[*].metadata.name}",
  );
  return list.split(" ");
}

describe("a stack", () => {
  it("is created, stays unchanged, is updated, and is destroyed without a trace", async () => {
    const stack = await prepared("one");
    let said = "";
    await stack.up({ onOutput: (text) => (said += text) });
    const { name, hidden } = (await stack.outputs()) as Record<string, Record<string, string>>;
    expect(name).toMatch(/^settings-[0-9a-f]{8}$/);
    expect(await namespaces()).toContain("one");
    const secrets = [hidden?.token, hidden?.password].map((text = "") => decode(text));
    expect(secrets[0]).toBe(PLANTED);
    expect(secrets[1]).toMatch(/^[a-zA-Z0-9]{24}$/);
    for (const text of [await stack.export(), await readFile(stack.configFile, "utf8"), said]) {
      for (const secret of secrets) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(Buffer.from(secret).toString("base64"));
      }
    }

    expect(steps(await stack.preview())).toEqual([]);
    await stack.refresh();
    await stack.setConfig("text", "second");
    expect(steps(await stack.preview())).toEqual(["update settings"]);
    await stack.up();
    expect(steps(await stack.preview())).toEqual([]);

    await stack.destroy();
    expect(await namespaces()).not.toContain("one");
    await stack.remove();
    expect(await pulumi.stacks()).not.toContain("one");
  });

  it("saves its progress when interrupted, leaves no lock, and can be continued", async () => {
    const stack = await prepared("two");
    await stack.setConfig("endless", "true");
    const interrupt = new AbortController();
    const up = stack.up({
      signal: interrupt.signal,
      onOutput(text) {
        if (text.includes("selected nothing")) interrupt.abort();
      },
    });
    await expect(up).rejects.toThrow(/^pulumi up (was interrupted|ended with)/);
    const locks = join(folder, "pulumi/state/.pulumi/locks");
    const left = await readdir(locks, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    expect(await namespaces()).toContain("two");
    await stack.removeConfig("endless");
    await stack.up();
    expect(steps(await stack.preview())).toEqual([]);
    await stack.destroy();
    await stack.remove();
  });

  it("is changed by one command at a time, and can be destroyed while the API server restarts", async () => {
    const stack = await prepared("three");
    await Promise.all([stack.up(), stack.up()]);
    expect(steps(await stack.preview())).toEqual([]);
    let stopped: Promise<void> | undefined;
    const destruction = stack.destroy({
      onOutput(text) {
        if (text.includes("deleting")) stopped ??= api.stopApi();
      },
    });
    await destruction.catch(() => undefined);
    expect(stopped).toBeDefined();
    await stopped;
    await expect(stack.refresh()).rejects.toThrow(
      "failed to read resource state due to unreachable cluster",
    );
    await api.startApi();
    await stack.destroy();
    expect(await namespaces()).not.toContain("three");
    await stack.remove();
  });
});

it("the tests change nothing in the repository", async () => {
  const tree = await readdir(clone, { recursive: true, withFileTypes: true });
  const files = tree.filter(
    (entry) => entry.isFile() && !entry.parentPath.includes("node_modules"),
  );
  expect(files.map(({ name }) => name).sort()).toEqual([
    "Pulumi.small.yaml",
    "Pulumi.yaml",
    "index.ts",
  ]);
  expect(await readFile(join(clone, "stacks/Pulumi.small.yaml"), "utf8")).toBe(
    await readFile(join(HERE, "trial/project/stacks/Pulumi.small.yaml"), "utf8"),
  );
});
