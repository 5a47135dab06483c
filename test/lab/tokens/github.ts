/**
 * A stand-in for GitHub's `POST /app/installations/ID/access_tokens`, as GitHub's REST reference says, with the texts of
 * errors from reports of users. Nothing was tried with the real service: above all how far clocks may differ, and the token's
 * new format `ghs_APPID_JWT`, whose second part is random here.
 */
import { randomBytes, type KeyObject } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { bearerOf, objectIn, type TokenAnswer, type TokenEndpoint } from "./http.ts";

/** A GitHub App with one installation. */
export interface GithubApp {
  readonly id: string;
  readonly publicKey: KeyObject;
  readonly installationId: string;
  /** Names of the repositories that the installation may reach. */
  readonly repositories: readonly string[];
  /** What the installation may do: `read` or `write` by permission. */
  readonly permissions: Readonly<Record<string, "read" | "write">>;
  /** The real one makes tokens for 3600. Tests use seconds. */
  readonly lifetimeSeconds: number;
}

const PATH = /^\/app\/installations\/(\d+)\/access_tokens$/;
const MAX_SECONDS = 600;

/** The endpoint for one App. */
export class GithubTokens {
  /** Tokens that were made, each with what it is for. */
  readonly made = new Map<
    string,
    { readonly repositories: unknown; readonly permissions: unknown }
  >();
  readonly #app: GithubApp;

  constructor(app: GithubApp) {
    this.#app = app;
  }

  readonly handle: TokenEndpoint = async (request) => {
    const installation = PATH.exec(request.path)?.[1];
    if (request.method !== "POST" || installation === undefined) return error(404, "Not Found");
    if (request.headers["user-agent"] === undefined) {
      return error(403, "Request forbidden by administrative rules.");
    }
    const refused = await this.#refused(bearerOf(request) ?? "");
    if (refused !== undefined) return error(401, refused);
    const app = this.#app;
    if (installation !== app.installationId) return error(404, "Not Found");
    const { repositories, permissions = app.permissions } = objectIn(request) ?? {};
    if (repositories !== undefined && !isListIn(repositories, app.repositories)) {
      return error(
        422,
        "There is at least one repository that does not exist or is not accessible to the parent installation.",
      );
    }
    if (!areGranted(permissions, app.permissions)) {
      return error(422, "The permissions requested are not granted to this installation.");
    }
    const token = `ghs_${app.id}_${randomBytes(120).toString("base64url")}`;
    this.made.set(token, { repositories, permissions });
    // GitHub's times have whole seconds.
    const ends = new Date(Date.now() + app.lifetimeSeconds * 1000).toISOString();
    return {
      status: 201,
      body: {
        token,
        expires_at: ends.replace(/\.\d+Z$/, "Z"),
        permissions,
        repository_selection: repositories === undefined ? "all" : "selected",
      },
    };
  };

  async #refused(jwt: string): Promise<string | undefined> {
    try {
      if (decodeProtectedHeader(jwt).alg !== "RS256") throw new Error("not RS256");
      const { payload } = await jwtVerify(jwt, this.#app.publicKey, {
        algorithms: ["RS256"],
        currentDate: new Date(0),
      });
      const { iat, exp, iss } = payload;
      const now = Date.now() / 1000;
      if (iss !== this.#app.id) return "Integration not found";
      if (exp === undefined || exp < now) {
        return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
      }
      if (exp > now + MAX_SECONDS) {
        return "'Expiration time' claim ('exp') is too far in the future";
      }
      if (iat === undefined || iat > now) {
        return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
      }
      return undefined;
    } catch {
      return "A JSON web token could not be decoded";
    }
  }
}

function isListIn(names: unknown, known: readonly string[]): boolean {
  return (
    Array.isArray(names) &&
    names.length <= 500 &&
    names.every((name) => known.includes(name as string))
  );
}

function areGranted(asked: unknown, granted: Readonly<Record<string, "read" | "write">>): boolean {
  if (typeof asked !== "object" || asked === null) return false;
  return Object.entries(asked).every(
    ([name, level]) => level === granted[name] || (level === "read" && granted[name] === "write"),
  );
}

function error(status: number, message: string): TokenAnswer {
  const documentation = "https://docs.github.com/rest/apps/apps";
  return { status, body: { message, documentation_url: documentation, status: String(status) } };
}
