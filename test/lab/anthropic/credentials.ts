import type { IncomingHttpHeaders } from "node:http";

import { ApiError } from "./errors.ts";

const OAUTH_PREFIX = "sk-ant-oat";
const OAUTH_BETA = "oauth-2025-04-20";

/** The kind of credential that authenticated a request. */
export type CredentialKind = "apiKey" | "oauth";

/** The values of a comma-separated header, in order. */
export function headerList(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value.join(",") : value)
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/** The API keys and OAuth tokens that are valid now. A rotation replaces them while the server runs. */
export class AcceptedCredentials {
  #accepted = new Set<string>();
  readonly #isMinted: (token: string) => boolean;

  /** `isMinted` says whether the token endpoint made a token that has not ended. Default: it made none. */
  constructor(isMinted: (token: string) => boolean = () => false) {
    this.#isMinted = isMinted;
  }

  replace(credentials: Iterable<string>): void {
    this.#accepted = new Set(credentials);
  }

  /** Whether a credential is valid, wherever it was sent. */
  has(credential: string): boolean {
    return this.#accepted.has(credential);
  }

  /**
   * Accepts or rejects as the API does. If both headers are present, `x-api-key` decides. Like the API, it answers some
   * mistakes with misleading errors: an OAuth token sent as `x-api-key` gets a rate limit error without details, and an OAuth
   * token without its beta header gets an error as if OAuth did not exist.
   */
  check(headers: IncomingHttpHeaders): CredentialKind {
    const apiKey = headers["x-api-key"];
    if (typeof apiKey === "string") {
      if (apiKey.startsWith(OAUTH_PREFIX)) throw new ApiError(429, { message: "Error" });
      if (!this.#accepted.has(apiKey)) throw new ApiError(401, { message: "invalid x-api-key" });
      return "apiKey";
    }
    const bearer = /^Bearer +(.*)$/i.exec(headers.authorization ?? "")?.[1];
    if (bearer === undefined) {
      throw new ApiError(401, { message: "x-api-key header is required" });
    }
    if (!this.#accepted.has(bearer) && !this.#isMinted(bearer))
      throw new ApiError(401, { message: "Invalid bearer token" });
    // Since API version 2026-10-21 the SDKs send API keys this way.
    if (!bearer.startsWith(OAUTH_PREFIX)) return "apiKey";
    if (!headerList(headers["anthropic-beta"]).includes(OAUTH_BETA)) {
      throw new ApiError(401, { message: "OAuth authentication is currently not supported." });
    }
    return "oauth";
  }
}
