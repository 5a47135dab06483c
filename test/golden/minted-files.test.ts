import { expect, test } from "vitest";
import { configurations, FEDERATED } from "./configurations.ts";
import { registeredGraph } from "./graph.ts";

interface Metadata {
  readonly metadata?: { readonly name?: string };
}

/** Names of the ConfigMaps and Secrets whose content depends on the kind of the credential. */
async function namesOf(credential: object): Promise<string[]> {
  const { stack = "", config = {} } = configurations["gateway-envoy-terminate"] ?? {};
  const { resources } = await registeredGraph(stack, {
    ...config,
    "claude-gateway:credential": credential,
  });
  return resources
    .filter(({ name }) => /^gateway-envoy-terminate-(config|secrets)$/.test(name))
    .map(({ inputs }) => (inputs as Metadata).metadata?.name ?? "")
    .sort();
}

test("a pod that mints its credential shares no file with the pod before, whose listener must not change while it drains", async () => {
  expect(await namesOf({ kind: "apiKey", value: "sk-ant-api03-planted" })).toEqual([
    "envoy-terminate-config",
    "envoy-terminate-secrets",
  ]);
  expect(await namesOf(FEDERATED)).toEqual([
    "envoy-terminate-federated-config",
    "envoy-terminate-federated-secrets",
  ]);
});
