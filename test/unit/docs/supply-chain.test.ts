import { execFile, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { validateWorkflow } from "@action-validator/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { parseOptions as imagesOptions } from "../../../commands/images/options.ts";
import { readOptions } from "../../../infra/access/host-options.ts";
import { images } from "../../../stacks/versions.ts";
import { parseOptions as verifyOptions } from "../../verify/conformance/options.ts";

const ROOT = join(import.meta.dirname, "../../..");
const TEXT = readFileSync(join(ROOT, "docs/ci/propose-updates.yml"), "utf8");

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly run?: string;
}
interface Job {
  readonly permissions: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
const workflow = parse(TEXT) as {
  readonly permissions: object;
  readonly defaults?: { readonly run: { readonly shell: string } };
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: { readonly prove: Job; readonly propose: Job };
};
const { prove, propose } = workflow.jobs;
const scripts = [...prove.steps, ...propose.steps].flatMap(({ run }) => run ?? []);
const { scripts: npmScripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Readonly<Record<string, string>>;
};

/** How GitHub runs a script. https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell */
const BASH =
  workflow.defaults?.run.shell === "bash" ? ["--noprofile", "--norc", "-eo", "pipefail"] : ["-e"];

describe("the workflow that proposes updates", () => {
  it("is one that GitHub accepts", () => {
    expect(validateWorkflow(TEXT)).toEqual({ actionType: "workflow", errors: [] });
    expect(validateWorkflow(TEXT.replace("needs: prove", "needs: proof")).errors).toHaveLength(1);
  });

  it("takes every action by its commit, and names the release", () => {
    const uses = [...TEXT.matchAll(/uses: (.*)$/gm)].map(([, action]) => action);
    expect(uses).toHaveLength(8);
    for (const action of uses)
      expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("may write only in the job that runs nothing of what was downloaded, and has no secret", () => {
    expect(workflow.permissions).toEqual({});
    expect(prove.permissions).toEqual({ contents: "read", "id-token": "write" });
    expect(propose.permissions).toEqual({ contents: "write", "pull-requests": "write" });
    expect(propose.steps.map(({ run = "" }) => run).join("")).not.toMatch(/npm|pulumi/);
    expect(TEXT).not.toContain("secrets.");
    // Expressions in scripts would be run as part of them.
    for (const script of scripts) expect(script).not.toContain("${{");
  });

  const commands = scripts
    .join("\n")
    .replaceAll("\\\n", " ")
    .matchAll(/npm run (?:--silent )?([\w:]+)(?: -- ([^>&|\n]*))?/g);
  it.each([...commands].map(([, name = "", given = ""]) => [name, given.trim()] as const))(
    "calls npm run %s with options that it knows: %s",
    (name, given) => {
      expect(npmScripts).toHaveProperty(name);
      const argv = given.replaceAll(/"\$(\w+)"/g, (_, key: string) => workflow.env[key] ?? "?");
      const options = argv === "" ? [] : argv.replace("report/", `${tmpdir()}/`).split(/\s+/);
      switch (name) {
        case "images":
          expect(imagesOptions(options)).toMatchObject({ newer: true, write: true });
          break;
        case "tunnel":
          expect(readOptions(options, { port: 1 })).toMatchObject({ stack: "host" });
          break;
        case "verify":
          expect(verifyOptions(options, {})).toMatchObject({ budgetUsd: 1 });
          break;
        default:
          expect(options).toEqual([]);
      }
    },
  );

  it("has scripts without a mistake that bash or shellcheck finds", () => {
    expect(scripts).toHaveLength(5);
    for (const script of scripts) {
      execFileSync("bash", ["-n"], { input: script });
      const checked = spawnSync("shellcheck", ["--shell=bash", "-"], { input: script });
      // Not every machine has it; CI's has.
      if (checked.error === undefined) expect(checked.stdout.toString()).toBe("");
    }
  });
});

describe("a step that fails", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "prove-"));
    mkdirSync(join(dir, "bin"));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  /** Runs a script as a step of the job `prove`, in `dir`. Gives the exit code, and what GitHub would show. */
  async function step(name: string): Promise<{ code: number | null; output: string }> {
    const script = prove.steps.find((step) => step.name === name)?.run ?? "exit 99";
    const child = execFile("bash", [...BASH, "-c", script], {
      cwd: dir,
      env: {
        ...{ ...workflow.env, HOME: dir, GITHUB_OUTPUT: join(dir, "outputs") },
        PATH: [join(dir, "bin"), process.env.PATH ?? ""].join(delimiter),
      },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (text: string) => (output += text));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output };
  }

  function program(name: string, script: string): void {
    writeFileSync(join(dir, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  it("because a registry limits requests says so, in a clone with the real command", async () => {
    for (const part of ["cli", "commands", "components", "stacks", "package.json", "run.mjs"])
      cpSync(join(ROOT, part), join(dir, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
    const registry = createServer((_, response) => {
      response.writeHead(429, { "retry-after": "3600" }).end();
    }).listen(0, "127.0.0.1");
    try {
      await once(registry, "listening");
      const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
      const named = Object.keys(images).map((key) => `    ${key}: ${host}/${key}:1.0.0\n`);
      writeFileSync(
        join(dir, "stacks/Pulumi.gateway.yaml"),
        `config:\n  claude-gateway:images:\n${named.join("")}`,
      );
      const { code, output } = await step("Newest images, with digests; LiteLLM's signature");
      const reason = `✗ envoy     ${host}/envoy:1.0.0: ${host} limits requests (429): try again in 3600 s\n`;
      expect(output).toContain(reason);
      expect(code).toBe(1);
      expect(readFileSync(join(dir, "report/images.txt"), "utf8")).toContain(reason);
      expect(existsSync(join(dir, "outputs"))).toBe(false);
    } finally {
      registry.close();
    }
  });

  const PREVIEW = "Preview, and the verdict of a spike";
  const untilTheTunnelSpoke = "until [ -s tunnel.log ]; do /bin/sleep 0.01; done";
  const called = () => readFileSync(join(dir, "called"), "utf8").trim().split("\n");

  it("because the tunnel or the preview does says why, and deploys no spike", async () => {
    mkdirSync(join(dir, "report"));
    program("sleep", untilTheTunnelSpoke);
    program("npm", 'echo "$*" >>called; echo "No kubeconfig yet. The set-up failed."; exit 1');
    program("pulumi", 'echo "$*" >>called; echo "error: there is no kubeconfig"; exit 255');
    const { code, output } = await step(PREVIEW);
    expect(code).toBe(255);
    expect(output).toContain("No kubeconfig yet. The set-up failed.\n");
    expect(output).toContain("error: there is no kubeconfig\n");
    expect(called().sort()).toEqual([
      "preview --diff --non-interactive --color never -s gateway",
      "run tunnel -- --stack host",
    ]);
  });

  it.each([
    [0, 0],
    [1, 0],
    [2, 1],
  ])(
    "of npm run verify, whose code %i ends the step with %i, destroys the spike",
    async (verdict, expected) => {
      mkdirSync(join(dir, "report"));
      program("sleep", untilTheTunnelSpoke);
      program(
        "npm",
        `case "$*" in *verify*) echo "the table"; exit ${verdict} ;; esac; echo Listening`,
      );
      program("pulumi", 'echo "$*" >>called');
      const { code, output } = await step(PREVIEW);
      expect(code).toBe(expected);
      expect(output).toContain("the table\n");
      expect(readFileSync(join(dir, "report/verdict.txt"), "utf8")).toBe("the table\n");
      expect(called().at(-1)).toBe("destroy --yes --non-interactive -s update-check");
    },
  );

  it("leaves its report", () => {
    const upload = prove.steps.at(-1);
    expect(upload?.uses).toMatch(/^actions\/upload-artifact@/);
    expect(upload?.if).toBe("always()");
  });
});

describe("its last step, with git and a stand-in for gh", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "propose-"));
    const git = (...args: string[]) => execFileSync("git", args, { cwd: join(dir, "clone") });
    execFileSync("git", ["init", "--quiet", "--bare", join(dir, "origin")]);
    for (const folder of ["clone/stacks", "report", "bin"])
      mkdirSync(join(dir, folder), { recursive: true });
    git("init", "--quiet", "--initial-branch=main");
    git("remote", "add", "origin", join(dir, "origin"));
    const file = join(dir, "clone/stacks/Pulumi.gateway.yaml");
    writeFileSync(file, "envoy: old\n");
    git("add", ".");
    git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first");
    writeFileSync(file, "envoy: new\n");
    git("diff", `--output=${join(dir, "report/update.patch")}`, "--", "stacks");
    git("checkout", "--quiet", ".");
    for (const part of ["images", "preview", "verdict"])
      writeFileSync(join(dir, `report/${part}.txt`), `the ${part}\n${"x".repeat(30_000)}`);
    writeFileSync(
      join(dir, "bin/gh"),
      `#!/bin/sh\necho "$*" >>'${dir}/asked'\n[ "$2" = list ] && cat '${dir}/open'\nexit 0\n`,
    );
    chmodSync(join(dir, "bin/gh"), 0o755);
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it.each([
    ["", "pr create --head propose-updates --title Take newer images --body-file"],
    ["7\n", "pr edit 7 --body-file"],
  ])("with the open pull request %j calls gh %s", (open, call) => {
    writeFileSync(join(dir, "open"), open);
    const script = propose.steps.at(-1)?.run ?? "";
    execFileSync("bash", [...BASH, "-c", script], {
      cwd: join(dir, "clone"),
      env: {
        ...{ PATH: `${join(dir, "bin")}:${process.env.PATH ?? ""}`, HOME: dir },
        ...{ REPORT: join(dir, "report"), RUNNER_TEMP: dir },
      },
      stdio: "pipe",
    });
    const pushed = ["show", "propose-updates:stacks/Pulumi.gateway.yaml"];
    expect(execFileSync("git", pushed, { cwd: join(dir, "origin"), encoding: "utf8" })).toBe(
      "envoy: new\n",
    );
    const [asked, called] = readFileSync(join(dir, "asked"), "utf8").trim().split("\n");
    expect(asked).toBe("pr list --head propose-updates --state open --json number --jq .[].number");
    expect(called).toBe(`${call} ${dir}/body.md`);
    const body = readFileSync(join(dir, "body.md"), "utf8");
    expect(body).toContain("## images\n\n````text\nthe images\n");
    expect(body.length).toBeLessThan(65_536);
  });
});
