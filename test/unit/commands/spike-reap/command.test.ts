import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exported } from "./exports.ts";
import { spikeNamespace } from "./fake-spikes.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const OLD = { created: "2020-01-01T00:00:00Z", ttlOutput: 3600, ttlAnnotation: "3600" };

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "spike-reap-"));
  mkdirSync(join(dir, "bin"));
  // Nothing else is on PATH, because the machine may have the real programs.
  for (const tool of ["cat", "cp"]) symlinkSync(`/bin/${tool}`, join(dir, "bin", tool));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** Puts a simulated program on PATH: a shell `case` over its arguments, which are recorded in `asked`. */
function standIn(program: string, cases: string): void {
  const script = `#!/bin/sh\necho "${program} $*" >>'${join(dir, "asked")}'\ncase "$*" in\n${cases}\nesac\n`;
  writeFileSync(join(dir, "bin", program), script, { mode: 0o755 });
}

/** A `case` branch that prints a text. */
function answer(pattern: string, name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return `${pattern}) cat '${join(dir, name)}' ;;`;
}

function run(...args: string[]) {
  rmSync(join(dir, "asked"), { force: true });
  const program = ["--import", "tsx", "commands/spike-reap.ts", ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, {
    cwd: ROOT,
    encoding: "utf8",
    env: { PATH: join(dir, "bin"), HOME: dir },
  });
  return { status, stdout, stderr };
}

function asked(): string[] {
  return readFileSync(join(dir, "asked"), "utf8").trim().split("\n");
}

/** A Pulumi with two expired stacks. */
function twoOldStacks(destroy = "destroy*) echo 'Destroying (it)' ;;"): void {
  const states = ["one", "two"].map((stack) =>
    answer(`"stack export --stack ${stack}"`, stack, exported({ stack, ...OLD })),
  );
  const list = answer('"stack ls --json"', "stacks", '[{"name":"one"},{"name":"two"}]');
  standIn(
    "pulumi",
    [list, ...states, destroy, "version|'stack rm'*) ;;", "*) exit 64 ;;"].join("\n"),
  );
}

describe("spike:reap with the user's own Pulumi", () => {
  it("destroys and removes a stack but keeps its file, because the repository may ship it", () => {
    twoOldStacks();
    const { status, stdout } = run();
    expect(asked()).toEqual([
      "pulumi version",
      "pulumi stack ls --json",
      "pulumi stack export --stack one",
      "pulumi destroy --stack one --yes --skip-preview --non-interactive",
      "pulumi stack rm one --yes --preserve-config --non-interactive",
      "pulumi stack export --stack two",
      "pulumi destroy --stack two --yes --skip-preview --non-interactive",
      "pulumi stack rm two --yes --preserve-config --non-interactive",
    ]);
    expect(stdout).toContain("Destroying (it)\n");
    expect(stdout).toMatch(/\n2 reaped, 0 kept, 0 failed\n$/);
    expect(status).toBe(0);
  });

  it("exits with 1 if a stack cannot be destroyed, after it tried the others", () => {
    twoOldStacks("'destroy --stack one'*) echo 'error: locked' >&2; exit 255 ;;\ndestroy*) ;;");
    const { status, stdout, stderr } = run();
    expect(stderr).toBe("error: locked\n");
    expect(stdout).toContain(
      "stack one: not reaped: pulumi destroy exited with code 255; see its output above\n",
    );
    expect(stdout).toMatch(/\n1 reaped, 0 kept, 1 failed\n$/);
    expect(asked()).not.toContain("pulumi stack rm one --yes --preserve-config --non-interactive");
    expect(status).toBe(1);
  });

  it("deletes orphans from the cluster of kubectl's context", () => {
    standIn("pulumi", `version) ;;\n${answer('"stack ls --json"', "stacks", "[]")}\n*) exit 64 ;;`);
    const orphan = spikeNamespace("lost", "lost-agent", OLD.created, "3600");
    const late = spikeNamespace("late", "late-agent", new Date().toISOString(), "3600");
    const get = answer("get*", "objects", JSON.stringify({ items: [orphan, late] }));
    writeFileSync(join(dir, "after"), JSON.stringify({ items: [late] }));
    const gone = "'get pods '*|'get namespace lost-agent '*) ;;";
    standIn(
      "kubectl",
      `${gone}\n${get}\n'delete cronjobs'*) ;;\ndelete*) cp '${join(dir, "after")}' '${join(dir, "objects")}' ;;`,
    );
    const { status, stdout } = run("--orphans");
    expect(stdout).toContain("Namespace/lost-agent: gone\n");
    expect(stdout).toMatch(/\n1 reaped, 1 kept, 0 failed\n$/);
    expect(asked().filter((line) => line.includes("delete"))).toEqual([
      "kubectl delete cronjobs,jobs,deployments,statefulsets,daemonsets,replicasets,pods --all --namespace=lost-agent --wait=false",
      "kubectl delete namespace lost-agent --wait=false --ignore-not-found",
    ]);
    expect(status).toBe(0);
  });

  it("exits with 1 if the backend does not answer", () => {
    standIn(
      "pulumi",
      "version) ;;\n*) echo 'error: PULUMI_ACCESS_TOKEN must be set' >&2; exit 255 ;;",
    );
    const { status, stderr } = run();
    expect(stderr).toBe(
      "pulumi stack ls --json exited with code 255: error: PULUMI_ACCESS_TOKEN must be set\n",
    );
    expect(status).toBe(1);
  });
});

describe("spike:reap on the embedded cluster", () => {
  it.each([[[]], [["--lab", "--orphans"]]])(
    "says that the cluster is not running, given %j",
    (args) => {
      const { status, stderr } = run(...args);
      expect(stderr).toMatch(
        /^The embedded cluster is not running, so it has no spikes to reap\. /,
      );
      expect(status).toBe(2);
    },
  );

  it("is used only with --lab if Pulumi is installed", () => {
    twoOldStacks();
    const { status } = run("--lab");
    expect(status).toBe(2);
  });
});

describe("the command line of spike:reap", () => {
  it.each([["--all"], ["spike"]])("refuses %s", (argument) => {
    twoOldStacks();
    const { status, stderr } = run(argument);
    expect(stderr).toContain(argument);
    expect(stderr).toContain("usage: npm run spike:reap");
    expect(status).toBe(2);
  });

  it("with --help says whose stacks are reaped, and does nothing else", () => {
    const { status, stdout } = run("--help");
    expect(stdout).toContain("the backend that `pulumi` is logged in to");
    expect(status).toBe(0);
  });
});
