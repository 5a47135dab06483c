import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BadInput } from "../../../../cli/command-line.ts";
import { parseOptions } from "../../../../commands/usage/options.ts";

describe("the options of npm run usage", () => {
  test("are a stack and files to write to", () => {
    const argv = ["--stack", "dev", "--json", "a", "--html", "b", "--kubeconfig"];
    expect(parseOptions([...argv, import.meta.filename])).toEqual({
      ...{ stack: "dev", json: "a", html: "b", kubeconfig: import.meta.filename },
    });
    expect(parseOptions(["--stack", "dev"])).toEqual({
      ...{ stack: "dev", json: undefined, html: undefined, kubeconfig: undefined },
    });
  });

  test.each([
    ["no stack", [], "--stack is missing"],
    ["an impossible stack name", ["--stack", "a b"], '--stack "a b" is not a stack name'],
    [
      "a kubeconfig that does not exist",
      ["--stack", "dev", "--kubeconfig", "/nowhere"],
      "--kubeconfig /nowhere does not exist",
    ],
    ["an unknown option", ["--stack", "dev", "--csv", "x"], "Unknown option '--csv'"],
  ])("are rejected with %s", (_, argv, message) => {
    expect(() => parseOptions(argv)).toThrow(BadInput);
    expect(() => parseOptions(argv)).toThrow(message);
  });

  test("make the command exit with 2 and print nothing on stdout if they are invalid", () => {
    const root = join(import.meta.dirname, "../../../..");
    const argv = ["--import", "tsx", "commands/usage.ts", "--stack", "a b"];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
      cwd: root,
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toBe('--stack "a b" is not a stack name\n');
  });
});
