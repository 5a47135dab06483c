/**
 * A stand-in for Google's Security Token Service (`POST /v1/token`) and for `generateAccessToken` of IAM Service Account
 * Credentials, as their reference pages say. Nothing was tried with the real services: above all the texts of errors, and
 * that the STS answers with JSON to a request in JSON.
 */
import { randomBytes } from "node:crypto";
import { createLocalJWKSet, type JWK, jwtVerify } from "jose";
import { bearerOf, objectIn, type TokenAnswer, type TokenEndpoint } from "./http.ts";

/** A provider of a workload identity pool. */
export interface PoolProvider {
  /** `//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/providers/X` */
  readonly name: string;
  readonly issuer: string;
  readonly keys: readonly JWK[];
  /** Audiences that it allows. */
  readonly allowedAudiences: readonly string[];
  /** Service accounts by e-mail address, each with the subjects that may act as it. */
  readonly serviceAccounts: Readonly<Record<string, readonly string[]>>;
  /** The real one makes tokens for 3600. Tests use seconds. */
  readonly lifetimeSeconds: number;
}

const REQUIRED = {
  grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
  requestedTokenType: "urn:ietf:params:oauth:token-type:access_token",
  subjectTokenType: "urn:ietf:params:oauth:token-type:jwt",
  scope: "https://www.googleapis.com/auth/cloud-platform",
} as const;

const IMPERSONATION = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/;

/** Both services for one provider. */
export class GoogleTokens {
  /** Tokens that were made: when each ends, in Unix milliseconds, and who it is. */
  readonly made = new Map<string, { readonly ends: number; readonly subject: string }>();
  readonly #provider: PoolProvider;

  constructor(provider: PoolProvider) {
    this.#provider = provider;
  }

  /** `sts.googleapis.com` */
  readonly sts: TokenEndpoint = async (request) => {
    if (request.method !== "POST" || request.path !== "/v1/token") return notFound();
    if (request.headers.authorization !== undefined) {
      return oauthError("invalid_request", "the Authorization header must not be sent");
    }
    const body = objectIn(request);
    if (body === undefined) return oauthError("invalid_request", "Invalid JSON payload received.");
    for (const [field, value] of Object.entries(REQUIRED)) {
      if (body[field] !== value)
        return oauthError("invalid_request", `Invalid value for "${field}".`);
    }
    if (body.audience !== this.#provider.name) {
      return oauthError(
        "invalid_target",
        'The target service indicated by the "audience" parameters is invalid.',
      );
    }
    const { issuer, allowedAudiences, keys, lifetimeSeconds } = this.#provider;
    try {
      const { payload } = await jwtVerify(
        String(body.subjectToken),
        createLocalJWKSet({ keys: [...keys] }),
        { issuer, audience: [...allowedAudiences], requiredClaims: ["iat", "exp", "sub"] },
      );
      return {
        status: 200,
        body: {
          access_token: this.#make(payload.sub ?? "", lifetimeSeconds),
          issued_token_type: REQUIRED.requestedTokenType,
          token_type: "Bearer",
          expires_in: lifetimeSeconds,
        },
      };
    } catch (cause) {
      return oauthError("invalid_grant", (cause as Error).message);
    }
  };

  /** `iamcredentials.googleapis.com` */
  readonly iam: TokenEndpoint = (request) => Promise.resolve(this.#impersonate(request));

  #impersonate(request: Parameters<TokenEndpoint>[0]): TokenAnswer {
    const email = IMPERSONATION.exec(decodeURIComponent(request.path))?.[1];
    if (request.method !== "POST" || email === undefined) return notFound();
    const token = this.made.get(bearerOf(request) ?? "");
    if (token === undefined || token.ends < Date.now()) {
      return apiError(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
    }
    const body = objectIn(request);
    const seconds = Number(/^(\d+)s$/.exec(String(body?.lifetime))?.[1]);
    if (!Array.isArray(body?.scope) || body.scope.length === 0 || !(seconds > 0)) {
      return apiError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.");
    }
    if (seconds > 3600) {
      return apiError(400, "INVALID_ARGUMENT", "The lifetime must be at most 3600s.");
    }
    const allowed = this.#provider.serviceAccounts[email];
    if (allowed === undefined) return apiError(404, "NOT_FOUND", "Unknown service account");
    if (!allowed.includes(token.subject)) {
      return apiError(
        403,
        "PERMISSION_DENIED",
        "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
      );
    }
    const accessToken = this.#make(email, seconds);
    return {
      status: 200,
      body: { accessToken, expireTime: new Date(Date.now() + seconds * 1000).toISOString() },
    };
  }

  #make(subject: string, seconds: number): string {
    const token = `ya29.${randomBytes(60).toString("base64url")}`;
    this.made.set(token, { ends: Date.now() + seconds * 1000, subject });
    return token;
  }
}

function oauthError(error: string, description: string): TokenAnswer {
  return { status: 400, body: { error, error_description: description } };
}

function apiError(code: number, status: string, message: string): TokenAnswer {
  return { status: code, body: { error: { code, message, status } } };
}

function notFound(): TokenAnswer {
  return apiError(404, "NOT_FOUND", "Requested entity was not found.");
}
