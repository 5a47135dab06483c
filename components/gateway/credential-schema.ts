import { z } from "zod";
import type { CredentialKind } from "./api/credentials.ts";

const holder = z
  .enum(["gateway", "agent"])
  .default("gateway")
  .describe(
    "Who holds it: `agent` on path envoy in mode sni, otherwise `gateway`. Default gateway.",
  );

const value = z.string().optional().describe("The secret itself. Set it with `--secret`.");

function kind<Kind extends CredentialKind>(name: Kind, description: string) {
  return z.literal(name).describe(description);
}

/** A text of a fixed form. `wanted` completes the message: `is not …`. */
function text(form: RegExp, wanted: string, description: string) {
  return z.string().regex(form, `is not ${wanted}`).describe(description);
}

/** Kinds that the config stores as a secret. */
const stored = [
  z.strictObject({
    kind: kind("apiKey", "A key of the Claude Console (sk-ant-api…)."),
    holder,
    value,
  }),
  z.strictObject({ kind: kind("oauth", "A token (sk-ant-oat…)."), holder, value }),
  z.strictObject({
    kind: kind("bedrockKey", "An API key for Amazon Bedrock."),
    holder,
    value,
  }),
] as const;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Anthropic gives a token in exchange for the cluster's own: no secret is stored. */
const federated = z.strictObject({
  kind: kind(
    "federated",
    "Anthropic's workload identity federation. No secret is stored anywhere.",
  ),
  holder,
  federationRule: text(
    /^fdrl_\w+$/,
    "the id of a federation rule (fdrl_…), which the Claude Console shows: pulumi config set --path credential.federationRule <id>",
    "Id of the federation rule in the Claude Console (fdrl_…).",
  ),
  organization: text(
    UUID,
    "the id of an organization, a UUID, which the Claude Console shows: pulumi config set --path credential.organization <id>",
    "Id of the organization in the Claude Console, a UUID.",
  ),
  serviceAccount: text(
    /^svac_\w+$/,
    "the id of a service account (svac_…), which the Claude Console shows: pulumi config set --path credential.serviceAccount <id>",
    "Id of the service account in the Claude Console (svac_…).",
  ),
  workspace: text(
    /^(wrkspc_\w+|default)$/,
    "the id of a workspace (wrkspc_…) or `default`: pulumi config set --path credential.workspace default",
    "Id of the workspace (wrkspc_…) or `default`. Needed if the rule is enabled for several workspaces.",
  ).optional(),
});

/** Google gives a token in exchange for the cluster's own: no secret is stored. */
const google = z.strictObject({
  kind: kind("google", "Google's workload identity federation. No secret is stored anywhere."),
  holder,
  audience: text(
    /^\/\/iam\.googleapis\.com\/projects\/\d+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+$/,
    "the full name of a workload identity provider (//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER): pulumi config set --path credential.audience <name>",
    "Full name of the workload identity provider (//iam.googleapis.com/projects/…).",
  ),
  impersonate: text(
    /^[a-z0-9-]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com$/,
    "the e-mail address of a service account (NAME@PROJECT.iam.gserviceaccount.com): pulumi config set --path credential.impersonate <address>",
    "E-mail address of a service account to act as. Default: the federated identity itself.",
  ).optional(),
});

/** The real credential. */
export const CredentialConfig = z.discriminatedUnion("kind", [...stored, federated, google]);

/** `credential` of a stack. */
export type Credential = z.infer<typeof CredentialConfig>;
