import type { Finding } from "../schema/finding.ts";
import type { CredentialKind } from "./api/credentials.ts";
import { variants } from "./paths/index.ts";
import { inConfig, type Variant } from "./paths/variant.ts";

const SET_VALUE = "pulumi config set --secret --path credential.value";

/** What is wrong with a credential for a path. Empty when nothing is. */
export function credentialFindings(
  variant: Variant,
  credential: { kind: CredentialKind; holder: "gateway" | "agent"; value?: string | undefined },
): Finding[] {
  const findings: Finding[] = [];
  const { kind, holder, value } = credential;
  if (variant.holder === "agent" && holder !== "agent") {
    findings.push({
      path: ["credential", "holder"],
      message:
        `must be agent on path ${inConfig(variant)}, where the gateway passes TLS on and cannot add a credential: ` +
        "pulumi config set --path credential.holder agent",
    });
  }
  if (variant.holder !== "agent" && holder === "agent") {
    findings.push({
      path: ["credential", "holder"],
      message:
        `may be agent only on path ${heldByAgents()}; on every other path the gateway holds the credential: ` +
        "pulumi config set --path credential.holder gateway",
    });
  }
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
  return findings;
}

/** The paths on which the agent holds the credential. */
function heldByAgents(): string {
  return variants
    .filter(({ holder }) => holder === "agent")
    .map(inConfig)
    .join(", ");
}
