import { expect, test } from "vitest";
import { BadInput } from "../../../../cli/command-line.ts";
import { parseOptions } from "../../../verify/conformance/options.ts";

const TOKEN = { ANTHROPIC_AUTH_TOKEN: "t" };

test("--stack with files to write", () => {
  expect(
    parseOptions(["--stack", "local", "--json", "a", "--html", "b", "--junit", "c", "--long"], {}),
  ).toEqual({
    subject: { kind: "stack", stack: "local", kubeconfig: undefined },
    json: "a",
    html: "b",
    junit: "c",
    long: true,
  });
});

test("--all-paths, and --url for another gateway", () => {
  expect(parseOptions(["--all-paths"], {}).subject).toEqual({ kind: "all-paths" });
  expect(parseOptions(["--url", "https://gateway.example.com/base"], TOKEN).subject).toEqual({
    kind: "url",
    url: "https://gateway.example.com/base",
  });
});

test.each([
  { args: [], names: "--stack" },
  { args: ["--stack", "local", "--all-paths"], names: "exactly one" },
  { args: ["--stack", "a/b"], names: "a/b" },
  { args: ["--stack", "local", "--kubeconfig", "/nowhere/kubeconfig"], names: "/nowhere" },
  { args: ["--all-paths", "--kubeconfig", "x"], names: "--kubeconfig" },
  { args: ["--url", "gateway.example.com"], names: "gateway.example.com" },
  { args: ["--url", "ftp://gateway.example.com"], names: "ftp:" },
  { args: ["--url", "https://user:secret@gateway.example.com"], names: "base URL" },
  { args: ["--bogus"], names: "--bogus" },
])("$args is rejected and named", ({ args, names }) => {
  const parse = () => parseOptions(args, TOKEN);
  expect(parse).toThrow(BadInput);
  expect(parse).toThrow(names);
});

test("a URL without a token is rejected", () => {
  expect(() => parseOptions(["--url", "https://gateway.example.com"], {})).toThrow(
    "ANTHROPIC_AUTH_TOKEN",
  );
});
