import { expect, test } from "vitest";
import { configurations } from "./configurations.ts";
import { registeredGraph, type StackFile } from "./graph.ts";

/** The runner's pod templates under two configurations. */
async function runnerTemplate(name: string, changes: StackFile = {}) {
  const { stack = "", config = {} } = configurations[name] ?? {};
  const { resources } = await registeredGraph(stack, { ...config, ...changes });
  const runner = resources.find(({ name }) => name.endsWith("dev-e-runner-deployment"));
  const { spec } = runner?.inputs as { spec: { template: Template } };
  return spec.template;
}

interface Template {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: object;
}

test.each([1, 2])(
  "a token generation raised by %i restarts the runner, which has read the old token",
  async (raise) => {
    const agents = (tokenGeneration: number) => ({
      "claude-gateway:agents": [{ name: "dev-e", tokenGeneration }],
    });
    const before = await runnerTemplate("gateway-envoy-terminate", agents(1));
    const after = await runnerTemplate("gateway-envoy-terminate", agents(1 + raise));
    expect(before.metadata.annotations).toEqual({
      "claude-gateway/secret-hash": expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    });
    expect(after.metadata.annotations).not.toEqual(before.metadata.annotations);
    expect(after.spec).toEqual(before.spec);
  },
);

test("another real credential restarts the runner only on the path where the agent holds it", async () => {
  const key = {
    "claude-gateway:credential": { kind: "apiKey", holder: "agent", value: "sk-ant-api03-another" },
  };
  const own = [
    await runnerTemplate("gateway-envoy-sni"),
    await runnerTemplate("gateway-envoy-sni", key),
  ];
  expect(own[1]?.metadata.annotations).not.toEqual(own[0]?.metadata.annotations);

  const gatewaysKey = {
    "claude-gateway:credential": { kind: "oauth", value: "sk-ant-oat01-another" },
  };
  expect(await runnerTemplate("gateway-envoy-terminate", gatewaysKey)).toEqual(
    await runnerTemplate("gateway-envoy-terminate"),
  );
});

test("a runner whose workload brings its own credential is not restarted", async () => {
  const { metadata } = await runnerTemplate("gateway-envoy-sni-without-credential", {
    "claude-gateway:images": { runner: "registry.example/claude-runner:1.0.0" },
  });
  expect(metadata.annotations).toBeUndefined();
});
