import { describe, expect, test } from "vitest";
import type {
  EnvoyConfigArgs,
  EnvoySecrets,
} from "../../../../../components/gateway/envoy/args.ts";
import {
  renderEnvoyConfig,
  renderEnvoySecrets,
} from "../../../../../components/gateway/envoy/render.ts";
import { envoyTerminate } from "../../../../../components/gateway/paths/envoy-terminate.ts";
import { shim as shimVariant } from "../../../../../components/gateway/paths/shim.ts";

const terminate = { variant: envoyTerminate } as const;
const shim = { variant: shimVariant, litellmHost: "litellm.ns.svc" } as const;

const others: EnvoySecrets = {
  agents: [{ name: "dev-e", tokens: ["planted-token-of-dev-e"] }],
  litellm: { token: "planted-internal-token", placeholder: "sk-ant-placeholder-planted" },
};

describe("a minted credential", () => {
  const federated = { ...terminate, credentialKind: "federated" } as const;
  const minted =
    '{"path_config_source":{"path":"/var/run/tokens/upstream.json","watched_directory":{"path":"/var/run/tokens"}';

  test("has no file in Envoy's Secret, which needs no value for it", () => {
    expect(Object.keys(renderEnvoySecrets(federated, others))).toEqual(["routes.json"]);
    expect(
      Object.keys(renderEnvoySecrets({ ...shim, credentialKind: "federated" }, others)).sort(),
    ).toEqual(["egress-routes.json", "litellm-token.json", "routes.json"]);
  });

  test.each([
    ["federated", federated, 1],
    ["federated, behind LiteLLM", { ...shim, credentialKind: "federated" } as const, 1],
    ["google", { ...terminate, credentialKind: "google" } as const, 0],
  ])("%s: Envoy reads the helper's file, as a bearer token", (_kind, args, betas) => {
    const text = renderEnvoyConfig(args)["listeners.json"] ?? "";
    const injected = JSON.stringify(JSON.parse(text)).split("credential_injector.v3").slice(1);
    const real = injected.filter((each) => each.includes('"name":"credential"'));
    expect(real).toHaveLength(1);
    expect(real[0]).toContain('"header":"authorization","header_value_prefix":"Bearer "');
    expect(real[0]?.replace('"resource_api_version":"V3",', "")).toContain(minted);
    expect(text).not.toContain("credential.json");
    expect(text.split('"name": "oauth-beta"').length - 1).toBe(betas);
    // On one listener only: the other one does not call the API.
    expect(text.split("no credential for the upstream now").length - 1).toBe(1);
  });

  test("the answer without a credential goes to agents alone where agents call, and to LiteLLM behind it", () => {
    const mapperOf = (args: EnvoyConfigArgs) => {
      const found: unknown[] = [];
      JSON.parse(renderEnvoyConfig(args)["listeners.json"] ?? "", (key, value: unknown) => {
        if (key === "mappers") found.push(...(value as unknown[]));
        return value;
      });
      const mapper = found.find((each) => JSON.stringify(each).includes("no credential for"));
      return JSON.stringify((mapper as { filter: unknown }).filter);
    };
    expect(mapperOf(federated)).toMatch(/^{"and_filter":.*failed_to_inject_credential.*"agent"/);
    expect(mapperOf({ ...shim, credentialKind: "federated" })).toMatch(
      /^{"extension_filter":.*failed_to_inject_credential/,
    );
  });
});
