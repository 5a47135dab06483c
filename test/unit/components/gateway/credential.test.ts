import { describe, expect, test } from "vitest";
import { credentialKinds } from "../../../../components/gateway/api/credentials.ts";
import { credentialFindings } from "../../../../components/gateway/credential.ts";
import {
  type Credential,
  CredentialConfig,
} from "../../../../components/gateway/credential-schema.ts";
import { variants } from "../../../../components/gateway/paths/index.ts";
import { envoyTerminate } from "../../../../components/gateway/paths/envoy-terminate.ts";
import { inConfig, type Variant } from "../../../../components/gateway/paths/variant.ts";

/** A path that can carry every kind, as no path of this release can. */
const everything: Variant = { ...envoyTerminate, credentials: credentialKinds };

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
    expect(credentialFindings(everything, credential)).toEqual([]);
  });

  test("is refused by a path that cannot carry it, with the paths that can", () => {
    const none: Variant = { ...envoyTerminate, credentials: [] };
    const carriers = variants.filter(({ credentials }: Variant) =>
      credentials.includes(credential.kind),
    );
    const [finding, ...more] = credentialFindings(none, credential);
    expect([finding?.path, more]).toEqual([["credential", "kind"], []]);
    expect(finding?.message).toContain(
      carriers.length === 0
        ? "this release cannot mint or carry such a credential yet"
        : `or choose another path (${carriers.map(inConfig).join(", ")})`,
    );
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
  const findings = credentialFindings(everything, {
    kind: "bedrockKey",
    holder: "gateway",
    value,
  });
  expect(findings).toEqual([
    { path: ["credential", "value"], message: expect.stringContaining(message) as string },
  ]);
});
