import { describe, expect, it } from "vitest";
import { parseOptions, splitShellWords } from "../../../../lab/pulumi/language/options.ts";
import {
  commandLine,
  environment,
  outcome,
  type Program,
} from "../../../../lab/pulumi/language/run.ts";

const program: Program = {
  rootDirectory: "/project",
  programDirectory: "/project/stacks",
  entryPoint: "index.ts",
  options: { typescript: false, nodeargs: "--import tsx" },
  organization: "organization",
  project: "claude-gateway",
  stack: "spike",
  dryRun: true,
  parallel: 16,
  monitorAddress: "127.0.0.1:1",
  engineAddress: "127.0.0.1:2",
  config: new Map([
    ["claude-gateway:kind", "spike"],
    ["kubernetes:config:namespace", "default"],
  ]),
  configSecretKeys: ["claude-gateway:credential"],
  arguments: [],
};

describe("the command line of a program", () => {
  it("has Node's own arguments first and the entry point last", () => {
    expect(commandLine(program, "/sdk/cmd/run")).toEqual([
      "--import",
      "tsx",
      "/sdk/cmd/run",
      ...["--monitor", "127.0.0.1:1"],
      ...["--engine", "127.0.0.1:2"],
      ...["--organization", "organization"],
      ...["--project", "claude-gateway"],
      ...["--root-directory", "/project"],
      ...["--stack", "spike"],
      ...["--pwd", "/project/stacks"],
      ...["--parallel", "16"],
      "--dry-run",
      "index.ts",
    ]);
  });

  it("leaves out --dry-run in an update, and a flag without a value", () => {
    const line = commandLine({ ...program, dryRun: false, organization: "" }, "/sdk/cmd/run");
    expect(line).not.toContain("--dry-run");
    expect(line).not.toContain("--organization");
  });
});

describe("the environment of a program", () => {
  it("contains the config in the SDK's spelling, and the names of the secret keys", () => {
    expect(environment(program)).toEqual({
      PULUMI_CONFIG:
        '{"claude-gateway:config:kind":"spike","kubernetes:config:namespace":"default"}',
      PULUMI_CONFIG_SECRET_KEYS: '["claude-gateway:credential"]',
    });
  });

  it("makes the SDK compile TypeScript unless the options disable it", () => {
    expect(environment({ ...program, options: { tsconfig: "ts.json" } })).toMatchObject({
      PULUMI_NODEJS_TYPESCRIPT: "true",
      PULUMI_NODEJS_TSCONFIG_PATH: "ts.json",
    });
  });
});

describe("the end of a program", () => {
  it.each([
    [0, null, { bail: false, error: "" }],
    [32, null, { bail: true, error: "" }],
    [1, null, { bail: false, error: "Program exited with non-zero exit code: 1" }],
    [null, "SIGKILL", { bail: false, error: "Program exited with non-zero exit code: 137" }],
  ] as const)("code %s, signal %s", (code, signal, expected) => {
    expect(outcome(code, signal)).toEqual(expected);
  });
});

describe("runtime options", () => {
  it.each([
    [{ typescript: "no" }, "typescript option must be a boolean"],
    [{ nodeargs: 1 }, "nodeargs option must be a string"],
    [{ tsconfig: 1 }, "tsconfigpath option must be a string"],
  ])("refuses %j", (options, message) => {
    expect(() => parseOptions(options)).toThrow(message);
  });

  it.each([
    ["", []],
    ["--import  tsx", ["--import", "tsx"]],
    [`--require "./a b.js" 'c d' e\\ f "g\\"h"`, ["--require", "./a b.js", "c d", "e f", 'g"h']],
  ])("splits %j like a shell", (line, words) => {
    expect(splitShellWords(line)).toEqual(words);
  });
});
