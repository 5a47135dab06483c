import { Ajv } from "ajv";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { editorSchema, renderEditorSchema } from "../../../stacks/editor-schema.ts";

const stacks = new URL("../../../stacks/", import.meta.url);
const valid = new Ajv({ strict: false }).compile(editorSchema());

test("the committed schema is up to date (update: `npm run schema`)", () => {
  expect(readFileSync(new URL("config.schema.json", stacks), "utf8")).toBe(renderEditorSchema());
});

describe("an editor that validates a stack file with the schema", () => {
  const good = {
    "claude-gateway:kind": "gateway",
    "claude-gateway:gateway": { path: "envoy", mode: "terminate" },
    "claude-gateway:credential": { kind: "apiKey", value: { secure: "v1:xyz" } },
    "claude-gateway:agents": [{ name: "dev-e" }],
    "gcp:project": "somebody-elses-key",
  };

  test.each([
    ["accepts a complete stack", {}, true],
    ["flags an unknown key", { "claude-gateway:gatway": {} }, false],
    [
      "flags an unknown key inside a section",
      { "claude-gateway:gateway": { path: "shim", x: 1 } },
      false,
    ],
    ["flags an unknown path", { "claude-gateway:gateway": { path: "nginx" } }, false],
    [
      "flags a secret of the wrong shape",
      { "claude-gateway:credential": { kind: "apiKey", value: 7 } },
      false,
    ],
  ])("%s", (_, change, expected) => {
    expect(valid({ config: { ...good, ...change } })).toBe(expected);
  });

  const shipped = readdirSync(stacks).filter((name) => /^Pulumi\..*\.yaml$/.test(name));

  test("has the four shipped stacks to check", () => {
    expect(shipped.sort()).toEqual([
      "Pulumi.gateway.yaml",
      "Pulumi.host.yaml",
      "Pulumi.local.yaml",
      "Pulumi.spike.yaml",
    ]);
  });

  test.each(shipped)("accepts %s, which contains neither a secret nor a salt", (name) => {
    const text = readFileSync(new URL(name, stacks), "utf8");
    expect(valid(parse(text)), JSON.stringify(valid.errors)).toBe(true);
    expect(text).not.toMatch(/secure:|encryptionsalt|sk-ant/);
  });
});
