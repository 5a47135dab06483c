import { expect, test } from "vitest";
import { configurations } from "./configurations.ts";
import { registeredGraph, type StackFile } from "./graph.ts";

/** Every Deployment of a stack by name, as registered. Its labels have a hash of its pod's template. */
async function deployments(name: string, changes: StackFile = {}) {
  const { stack = "", config = {} } = configurations[name] ?? {};
  const { resources } = await registeredGraph(stack, { ...config, ...changes });
  const found = resources.filter(({ type }) => type.endsWith(":Deployment"));
  return Object.fromEntries(found.map(({ name, inputs }) => [name, JSON.stringify(inputs)]));
}

test.each([
  ["gateway-litellm", ["gateway-litellm-deployment"]],
  ["gateway-shim", []],
  ["gateway-hybrid", []],
  ["gateway-envoy-terminate", []],
])(
  "%s: another key, or one of another kind, replaces the pods of exactly %j",
  async (name, replaced) => {
    const before = await deployments(name);
    for (const credential of [
      { kind: "apiKey", value: "sk-ant-api03-another" },
      { kind: "oauth", value: "sk-ant-oat01-another" },
    ]) {
      const after = await deployments(name, { "claude-gateway:credential": credential });
      expect(Object.keys(after)).toEqual(Object.keys(before));
      expect(Object.keys(after).filter((each) => after[each] !== before[each])).toEqual(replaced);
    }
  },
);
