import type { Finding } from "../schema/finding.ts";
import type { CredentialKind } from "./api/credentials.ts";
import type { Credential } from "./credential-schema.ts";
import { variants } from "./paths/index.ts";
import { holderInConfig, inConfig, type Variant } from "./paths/variant.ts";

const SET_VALUE = "pulumi config set --secret --path credential.value";

/** What is wrong with a credential for a path. Empty when nothing is. */
export function credentialFindings(variant: Variant, credential: Credential): Finding[] {
  const findings = holderFindings(variant, credential.holder);
  if (!variant.credentials.includes(credential.kind)) {
    findings.push({ path: ["credential", "kind"], message: notCarried(variant, credential.kind) });
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

/** Why a path cannot carry a kind, and the fix. */
function notCarried(variant: Variant, kind: CredentialKind): string {
  const others = variants.filter(({ credentials }: Variant) => credentials.includes(kind));
  const carried = variant.credentials.join(" or ");
  const fix = `pulumi config set --path credential.kind ${variant.credentials.join("|")}`;
  return others.length === 0
    ? `is ${kind}, but this release cannot mint or carry such a credential yet; use ${carried}: ${fix}`
    : `is ${kind}, which path ${inConfig(variant)} cannot carry; use ${carried}: ${fix}, ` +
        `or choose another path (${others.map(inConfig).join(", ")})`;
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
