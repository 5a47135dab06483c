import type { Finding } from "../schema/finding.ts";
import type { CredentialKind } from "./api/credentials.ts";
import type { Credential } from "./credential-schema.ts";
import { variants } from "./paths/index.ts";
import {
  credentialsFor,
  holderInConfig,
  inConfig,
  providersOf,
  type Variant,
} from "./paths/variant.ts";
import {
  DEFAULT_PROVIDER,
  providerNamed,
  providers,
  type ProviderName,
} from "./providers/index.ts";
import type { Provider } from "./providers/provider.ts";

const SET_VALUE = "pulumi config set --secret --path credential.value";

/** What is wrong with a credential for a path and a provider that it can reach. Empty when nothing is. */
export function credentialFindings(
  variant: Variant,
  credential: Credential,
  providerName: ProviderName = DEFAULT_PROVIDER,
): Finding[] {
  const findings = holderFindings(variant, credential.holder);
  const provider = providerNamed(providerName);
  if (!credentialsFor(variant, provider).includes(credential.kind)) {
    findings.push({
      path: ["credential", "kind"],
      message: notCarried(variant, provider, credential.kind),
    });
    return findings;
  }
  switch (credential.kind) {
    case "apiKey":
    case "oauth":
    case "bedrockKey":
      return [...findings, ...valueFindings(credential)];
    default:
      return findings;
  }
}

function holderFindings(variant: Variant, holder: Credential["holder"]): Finding[] {
  const wanted = holderInConfig(variant);
  if (holder === wanted) return [];
  return [
    {
      path: ["credential", "holder"],
      message:
        wanted === "agent"
          ? `must be agent on path ${inConfig(variant)}, where the gateway passes TLS on and cannot add a credential: ` +
            "pulumi config set --path credential.holder agent"
          : `may be agent only on path ${heldByAgents()}; on every other path the gateway holds the credential: ` +
            "pulumi config set --path credential.holder gateway",
    },
  ];
}

/** Why a path and a provider cannot take a kind, and the fix. */
function notCarried(variant: Variant, provider: Provider, kind: CredentialKind): string {
  const kinds = credentialsFor(variant, provider);
  const use = `use ${kinds.join(" or ")}: pulumi config set --path credential.kind ${kinds.join("|")}`;
  if (!provider.credentials.includes(kind)) {
    const takers = providers.filter(({ credentials }: Provider) => credentials.includes(kind));
    return (
      `is ${kind}, which is not for ${provider.title}; ${use}, or choose its provider: ` +
      `pulumi config set --path gateway.provider ${takers.map(({ name }) => name).join("|")}`
    );
  }
  const others = variants.filter(
    (other: Variant) =>
      other.credentials.includes(kind) && providersOf(other).some((name) => name === provider.name),
  );
  return (
    `is ${kind}, which path ${inConfig(variant)} cannot carry; ${use}, ` +
    `or choose another path (${others.map(inConfig).join(", ")})`
  );
}

/** What is wrong with a secret that the config stores. */
function valueFindings({
  kind,
  holder,
  value,
}: Extract<Credential, { value?: string | undefined }>): Finding[] {
  const findings: Finding[] = [];
  if (value === undefined || value.trim() === "") {
    if (holder === "gateway") {
      findings.push({
        path: ["credential", "value"],
        message: `is missing; set it with: ${SET_VALUE}`,
      });
    }
    return findings;
  }
  if (value !== value.trim() || /[^\x21-\x7e]/.test(value)) {
    findings.push({
      path: ["credential", "value"],
      message: `contains white space or a control character, perhaps from a pasted line break; set it again: ${SET_VALUE}`,
    });
  }
  const looksLikeOauth = value.trim().startsWith("sk-ant-oat");
  if (kind === "apiKey" && looksLikeOauth) {
    findings.push({
      path: ["credential", "kind"],
      message:
        "is apiKey but the value is an OAuth token; sent as a key, the API refuses it with a misleading " +
        "rate_limit_error: pulumi config set --path credential.kind oauth",
    });
  }
  if (kind === "oauth" && !looksLikeOauth) {
    findings.push({
      path: ["credential", "kind"],
      message:
        "is oauth but the value is not an OAuth token (sk-ant-oat…): pulumi config set --path credential.kind apiKey",
    });
  }
  if (kind === "apiKey" && !looksLikeOauth && !value.trim().startsWith("sk-ant-")) {
    findings.push({
      path: ["credential", "value"],
      message: `is not an Anthropic API key (sk-ant-…); set it again: ${SET_VALUE}`,
    });
  }
  if (kind === "bedrockKey" && value.trim().startsWith("sk-ant-")) {
    findings.push({
      path: ["credential", "value"],
      message: `is a key or a token of Anthropic, not a key for Amazon Bedrock; set it again: ${SET_VALUE}`,
    });
  }
  return findings;
}

/** The paths on which the agent holds the credential. */
function heldByAgents(): string {
  return variants
    .filter(({ holder }) => holder === "agent")
    .map(inConfig)
    .join(", ");
}
