/**
 * A stand-in for Anthropic's token endpoint, `POST /v1/oauth/token`, as the documentation of workload identity federation
 * says, Anthropic's TypeScript SDK 1.12.0 (its comments on rules and issuers), and anthropics/claude-code#89095 and
 * rappdw/sandy#202 for what the answers look like. Nothing was tried with the real endpoint: above all the texts with status
 * 400, how far clocks may differ, and whether a refused assertion counts as used.
 */
import { randomBytes } from "node:crypto";
import { createLocalJWKSet, type JWK, jwtVerify } from "jose";
import { objectIn, type TokenAnswer, type TokenEndpoint } from "./http.ts";

/** A federation rule and its issuer, as they are set in the Claude Console. */
export interface FederationRule {
  readonly id: string;
  readonly organization: string;
  readonly serviceAccount: string;
  /** Workspaces that it is enabled for. */
  readonly workspaces: readonly string[];
  readonly issuer: string;
  /** Keys of the issuer that were registered inline. */
  readonly keys: readonly JWK[];
  readonly subject: string;
  readonly audience: string;
  /** The real one has 60 to 86400. Tests use seconds. */
  readonly lifetimeSeconds: number;
  /** Longest life of an assertion, from its issue to its end. The real default is 3600. */
  readonly maxAssertionSeconds: number;
}

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const REQUIRED = [
  "assertion",
  "federation_rule_id",
  "organization_id",
  "service_account_id",
] as const;
const MAX_ASSERTION_BYTES = 16 * 1024;

/** How far the clocks may differ, in seconds. */
const TOLERANCE_SECONDS = 10;

/** The endpoint of an organization with some rules, which are read at each exchange. */
export class AnthropicTokens {
  /** Tokens that were made: when each ends, in Unix milliseconds. */
  readonly made = new Map<string, number>();
  /** The Console's authentication events: why an exchange was refused. The client does not see it. */
  readonly events: string[] = [];
  readonly #rules: readonly FederationRule[];
  readonly #used = new Set<string>();

  constructor(rules: readonly FederationRule[]) {
    this.#rules = rules;
  }

  readonly handle: TokenEndpoint = async (request) => {
    if (request.path !== "/v1/oauth/token") return error(404, "not_found_error", "Not found");
    if (request.method !== "POST") return error(405, "invalid_request_error", "Method not allowed");
    const body = objectIn(request);
    if (body === undefined) return malformed("the body is not a JSON object");
    if (body.grant_type !== GRANT) return malformed("grant_type: unsupported grant type");
    for (const field of REQUIRED) {
      if (typeof body[field] !== "string" || body[field] === "") {
        return malformed(`${field}: field required`);
      }
    }
    const { workspace_id: workspace } = body;
    if (workspace !== undefined && typeof workspace !== "string") {
      return malformed("workspace_id: must be a string");
    }
    const text = (name: (typeof REQUIRED)[number]) => body[name] as string;
    if (text("assertion").length > MAX_ASSERTION_BYTES) return malformed("assertion: too long");
    if (!text("federation_rule_id").startsWith("fdrl_")) {
      return malformed("federation_rule_id: invalid id");
    }
    if (!text("service_account_id").startsWith("svac_")) {
      return malformed("service_account_id: invalid id");
    }
    if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text("organization_id"))) {
      return malformed("organization_id: invalid id");
    }
    try {
      return await this.#exchange(
        {
          assertion: text("assertion"),
          rule: text("federation_rule_id"),
          organization: text("organization_id"),
          serviceAccount: text("service_account_id"),
        },
        workspace,
      );
    } catch (cause) {
      // The same for every reason, which only the Console says.
      this.events.push((cause as Error).message);
      return error(401, "authentication_error", "Authentication failed");
    }
  };

  async #exchange(
    asked: { assertion: string; rule: string; organization: string; serviceAccount: string },
    workspace: string | undefined,
  ): Promise<TokenAnswer> {
    const rule = this.#rules.find(({ id }) => id === asked.rule);
    if (rule === undefined) throw new Error("rule_not_found");
    if (rule.organization !== asked.organization) throw new Error("organization_mismatch");
    if (rule.serviceAccount !== asked.serviceAccount) throw new Error("service_account_mismatch");
    if (workspace === undefined && rule.workspaces.length > 1)
      throw new Error("workspace_required");
    if (workspace !== undefined && !rule.workspaces.includes(workspace)) {
      throw new Error("workspace_not_enabled");
    }
    const { payload } = await jwtVerify(
      asked.assertion,
      createLocalJWKSet({ keys: [...rule.keys] }),
      {
        issuer: rule.issuer,
        audience: rule.audience,
        subject: rule.subject,
        clockTolerance: TOLERANCE_SECONDS,
        requiredClaims: ["iat", "exp"],
        algorithms: ["RS256", "ES256"],
      },
    );
    const { iat = 0, exp = 0, jti } = payload;
    if (exp - iat > rule.maxAssertionSeconds) throw new Error("jwt_lifetime_too_long");
    if (jti !== undefined) {
      if (this.#used.has(jti)) throw new Error("jti_reused");
      this.#used.add(jti);
    }
    const left = exp - Date.now() / 1000;
    const seconds = Math.floor(
      Math.max(Math.min(60, rule.lifetimeSeconds), Math.min(rule.lifetimeSeconds, 2 * left)),
    );
    const token = `sk-ant-oat01-${randomBytes(48).toString("base64url")}`;
    this.made.set(token, Date.now() + seconds * 1000);
    return {
      status: 200,
      body: {
        access_token: token,
        token_type: "Bearer",
        expires_in: seconds,
        scope: "workspace:inference",
      },
    };
  }
}

function malformed(message: string): TokenAnswer {
  return error(400, "invalid_request_error", message);
}

function error(status: number, type: string, message: string): TokenAnswer {
  return { status, body: { error: { type, message } } };
}
