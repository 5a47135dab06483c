import { describe, expect, test } from "vitest";
import {
  type CredentialKind,
  credentialKinds,
} from "../../../../components/gateway/api/credentials.ts";
import { credentialFindings } from "../../../../components/gateway/credential.ts";
import {
  type Credential,
  CredentialConfig,
} from "../../../../components/gateway/credential-schema.ts";
import { variants } from "../../../../components/gateway/paths/index.ts";
import {
  type ProviderName,
  providerNames,
  providers,
} from "../../../../components/gateway/providers/index.ts";
import type { Provider } from "../../../../components/gateway/providers/provider.ts";
import { envoyTerminate } from "../../../../components/gateway/paths/envoy-terminate.ts";
import { inConfig, type Variant } from "../../../../components/gateway/paths/variant.ts";

/** A path that can carry every kind. */
const everything: Variant = { ...envoyTerminate, credentials: credentialKinds };

/** The only provider that takes a kind. */
function takerOf(kind: CredentialKind): ProviderName {
  const [taker, ...others] = providers.filter(({ credentials }: Provider) =>
    credentials.includes(kind),
  );
  if (taker === undefined || others.length > 0)
    throw new Error(`${kind} has no provider of its own`);
  return taker.name;
}

const wellFormed: readonly Credential[] = [
  { kind: "apiKey", holder: "gateway", value: "sk-ant-api03-planted" },
  { kind: "oauth", holder: "gateway", value: "sk-ant-oat01-planted" },
  {
    kind: "federated",
    holder: "gateway",
    federationRule: "fdrl_01AbC",
    organization: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    serviceAccount: "svac_01AbC",
    workspace: "default",
  },
  {
    kind: "google",
    holder: "gateway",
    audience:
      "//iam.googleapis.com/projects/12345/locations/global/workloadIdentityPools/agents/providers/k3s",
    impersonate: "claude@my-project.iam.gserviceaccount.com",
  },
  { kind: "bedrockKey", holder: "gateway", value: "ABSK-planted" },
];

test("there is a well-formed credential of each kind", () => {
  expect(wellFormed.map(({ kind }) => kind)).toEqual(credentialKinds);
});

describe.each(wellFormed)("a well-formed credential of kind $kind", (credential) => {
  test("is parsed unchanged, and accepted by a path that can carry it", () => {
    expect(CredentialConfig.parse(credential)).toEqual(credential);
    expect(credentialFindings(everything, credential, takerOf(credential.kind))).toEqual([]);
  });

  test("is refused by a path that cannot carry it, with the paths that can", () => {
    const none: Variant = { ...envoyTerminate, credentials: [] };
    const carriers = variants.filter(({ credentials }: Variant) =>
      credentials.includes(credential.kind),
    );
    const [finding, ...more] = credentialFindings(none, credential, takerOf(credential.kind));
    expect([finding?.path, more]).toEqual([["credential", "kind"], []]);
    expect(carriers).not.toEqual([]);
    expect(finding?.message).toContain(
      `or choose another path (${carriers.map(inConfig).join(", ")})`,
    );
  });

  test("is for one provider, and refused with each other one", () => {
    const others = providerNames.filter((name) => name !== takerOf(credential.kind));
    expect(others).toHaveLength(2);
    for (const other of others) {
      const [finding] = credentialFindings(everything, credential, other);
      expect(finding?.message).toMatch(
        new RegExp(
          `^is ${credential.kind}, which is not for .*pulumi config set --path gateway\\.provider ${takerOf(credential.kind)}$`,
        ),
      );
    }
  });
});

test("a federated credential is carried by the paths whose credential Envoy holds, and by no other", () => {
  const carriers = variants.filter(({ credentials }: Variant) => credentials.includes("federated"));
  expect(carriers.map(({ name }) => name)).toEqual(["shim", "envoy-terminate", "hybrid"]);
  expect(carriers).toEqual(variants.filter(({ holder }) => holder === "envoy"));
});

test.each([
  [undefined, "is missing; set it with: pulumi config set --secret --path credential.value"],
  ["ABSK planted", "contains white space or a control character"],
  ["sk-ant-api03-planted", "is a key or a token of Anthropic, not a key for Amazon Bedrock"],
])("a key for Bedrock that is %s", (value, message) => {
  const findings = credentialFindings(
    everything,
    {
      kind: "bedrockKey",
      holder: "gateway",
      value,
    },
    "bedrock",
  );
  expect(findings).toEqual([
    { path: ["credential", "value"], message: expect.stringContaining(message) as string },
  ]);
});
