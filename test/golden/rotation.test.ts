import { expect, test } from "vitest";
import { configurations, FEDERATED, PLANTED_KEY } from "./configurations.ts";
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

test.each([
  ["gateway-shim", "gateway-shim-envoy-deployment"],
  ["gateway-hybrid", "gateway-hybrid-envoy-deployment"],
  ["gateway-envoy-terminate", "gateway-envoy-terminate-deployment"],
])(
  "%s: from a stored credential to a minted one and back replaces exactly %s",
  async (name, envoy) => {
    const stored = { "claude-gateway:credential": { kind: "apiKey", value: PLANTED_KEY } };
    const before = await deployments(name, stored);
    const minted = await deployments(name, { "claude-gateway:credential": FEDERATED });
    expect(Object.keys(minted)).toEqual(Object.keys(before));
    expect(Object.keys(minted).filter((each) => minted[each] !== before[each])).toEqual([envoy]);
    expect(minted[envoy]).toContain('"serviceAccountName":"claude-gateway"');
    expect(before[envoy]).not.toContain("serviceAccountName");
    expect(await deployments(name, stored)).toEqual(before);
  },
);

test("another federation rule replaces Envoy's pod, which reads it at its start", async () => {
  const [name, envoy] = ["gateway-envoy-terminate", "gateway-envoy-terminate-deployment"];
  const of = (federationRule: string) =>
    deployments(name, { "claude-gateway:credential": { ...FEDERATED, federationRule } });
  const [before, after] = [await of("fdrl_one"), await of("fdrl_two")];
  expect(Object.keys(after).filter((each) => after[each] !== before[each])).toEqual([envoy]);
});
