import { BEDROCK_KEY, GOOGLE, KEY, OAUTH, VERTEX, rejects } from "./stack.ts";

const FEDERATED = {
  kind: "federated",
  federationRule: "fdrl_01AbC",
  organization: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
  serviceAccount: "svac_01AbC",
};

rejects([
  [
    "no credential",
    { credential: undefined },
    /^ {2}credential is missing: .*pulumi config set --secret --path credential\.value$/,
  ],
  [
    "no credential value",
    { credential: { kind: "apiKey" } },
    "  credential.value is missing; set it with: pulumi config set --secret --path credential.value",
  ],
  [
    "an OAuth token as a key",
    { credential: { kind: "apiKey", value: OAUTH } },
    /^ {2}credential\.kind is apiKey but the value is an OAuth token/,
  ],
  [
    "a key as an OAuth token",
    { credential: { kind: "oauth", value: KEY } },
    /^ {2}credential\.kind is oauth but the value is not an OAuth token/,
  ],
  [
    "a key of another provider",
    { credential: { kind: "apiKey", value: "AIza-something" } },
    /^ {2}credential\.value is not an Anthropic API key/,
  ],
  [
    "a pasted line break",
    { credential: { kind: "apiKey", value: `${KEY}\n` } },
    /^ {2}credential\.value contains white space/,
  ],
  [
    "a holder that does not work with litellm",
    { credential: { kind: "apiKey", value: KEY, holder: "agent" } },
    /^ {2}credential\.holder may be agent only on path envoy in mode sni/,
  ],
  [
    "a holder that does not work with sni",
    { gateway: { path: "envoy", mode: "sni" } },
    /^ {2}credential\.holder must be agent on path envoy in mode sni/,
  ],
  [
    "a key of Anthropic's for Vertex",
    { gateway: { path: "envoy", provider: "vertex", vertex: VERTEX } },
    "  credential.kind is apiKey, which is not for Google's Vertex AI; use google: pulumi config set --path credential.kind google, or choose its provider: pulumi config set --path gateway.provider anthropic",
  ],
  [
    "a key of Bedrock's for Vertex",
    { gateway: { path: "envoy", provider: "vertex", vertex: VERTEX }, credential: BEDROCK_KEY },
    /^ {2}credential\.kind is bedrockKey, which is not for Google's Vertex AI; use google: .*gateway\.provider bedrock$/,
  ],
  [
    "an unknown kind of credential",
    { credential: { kind: "password", value: KEY } },
    "  credential.kind is not one of apiKey, oauth, federated, google, bedrockKey: pulumi config set --path credential.kind apiKey|oauth|federated|google|bedrockKey",
  ],
  [
    "a credential without a kind",
    { credential: { value: KEY } },
    /^ {2}credential\.kind is not one of apiKey, oauth, federated, google, bedrockKey: /,
  ],
  [
    "a federated credential where LiteLLM holds it",
    { credential: FEDERATED },
    "  credential.kind is federated, which path litellm cannot carry; use apiKey or oauth: pulumi config set --path credential.kind apiKey|oauth, or choose another path (shim, envoy in mode terminate, hybrid)",
  ],
  [
    "a federated credential where the agent holds it",
    {
      gateway: { path: "envoy", mode: "sni" },
      credential: { ...FEDERATED, holder: "agent" },
    },
    "  credential.kind is federated, which path envoy in mode sni cannot carry; use apiKey or oauth: pulumi config set --path credential.kind apiKey|oauth, or choose another path (shim, envoy in mode terminate, hybrid)",
  ],
  [
    "a credential of Google for Anthropic's API",
    { gateway: { path: "envoy" }, credential: GOOGLE },
    "  credential.kind is google, which is not for Anthropic's API; use apiKey or oauth or federated: pulumi config set --path credential.kind apiKey|oauth|federated, or choose its provider: pulumi config set --path gateway.provider vertex",
  ],
  [
    "a key for Bedrock for Anthropic's API",
    { credential: BEDROCK_KEY },
    "  credential.kind is bedrockKey, which is not for Anthropic's API; use apiKey or oauth: pulumi config set --path credential.kind apiKey|oauth, or choose its provider: pulumi config set --path gateway.provider bedrock",
  ],
  [
    "a federated credential with a secret",
    { credential: { ...FEDERATED, value: KEY } },
    "  credential.value is not a key of this configuration; remove it: pulumi config rm --path 'credential.value'",
  ],
  [
    "a federated credential without its rule",
    { credential: { ...FEDERATED, federationRule: undefined } },
    "  credential.federationRule is missing: pulumi config set --path 'credential.federationRule' <value>",
  ],
  [
    "a federation rule of another form",
    { credential: { ...FEDERATED, federationRule: "svac_1" } },
    "  credential.federationRule is not the id of a federation rule (fdrl_…), which the Claude Console shows: pulumi config set --path credential.federationRule <id>",
  ],
  [
    "an organization of another form",
    { credential: { ...FEDERATED, organization: "my-team" } },
    "  credential.organization is not the id of an organization, a UUID, which the Claude Console shows: pulumi config set --path credential.organization <id>",
  ],
  [
    "a service account of another form",
    { credential: { ...FEDERATED, serviceAccount: "fdrl_1" } },
    "  credential.serviceAccount is not the id of a service account (svac_…), which the Claude Console shows: pulumi config set --path credential.serviceAccount <id>",
  ],
  [
    "a workspace of another form",
    { credential: { ...FEDERATED, workspace: "all" } },
    "  credential.workspace is not the id of a workspace (wrkspc_…) or `default`: pulumi config set --path credential.workspace default",
  ],
  [
    "an audience of another form",
    { credential: { ...GOOGLE, audience: "https://iam.googleapis.com/projects/1" } },
    "  credential.audience is not the full name of a workload identity provider (//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER): pulumi config set --path credential.audience <name>",
  ],
  [
    "a service account of Google of another form",
    { credential: { ...GOOGLE, impersonate: "someone@gmail.com" } },
    "  credential.impersonate is not the e-mail address of a service account (NAME@PROJECT.iam.gserviceaccount.com): pulumi config set --path credential.impersonate <address>",
  ],
]);
