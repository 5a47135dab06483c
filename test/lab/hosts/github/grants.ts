import type { GithubTokens } from "../../tokens/github.ts";
import type { Request } from "./http.ts";
import type { Repository } from "./world.ts";

export type Level = "read" | "write";

/** What a token may do. */
export interface Grant {
  readonly kind: "app" | "fine-grained";
  /** Who owns the repositories. */
  readonly owner: string;
  /** Names of the repositories without the owner. Undefined: all of the owner's. */
  readonly repositories: readonly string[] | undefined;
  readonly permissions: Readonly<Record<string, Level>>;
}

/** A fine-grained personal access token, `github_pat_…`. */
export type FineGrainedTokens = Readonly<Record<string, Omit<Grant, "kind">>>;

/** A request's credential: nobody, a grant, or a token that GitHub does not know. */
export type Caller = "nobody" | "unknown" | Grant;

/** Knows all tokens. */
export class Grants {
  readonly #app: GithubTokens | undefined;
  readonly #fineGrained: FineGrainedTokens;

  constructor(fineGrained: FineGrainedTokens, app?: GithubTokens) {
    this.#fineGrained = fineGrained;
    this.#app = app;
  }

  /** Who calls. Git sends Basic only; the API also takes the token by itself. */
  callerOf({ headers }: Request, schemes: "basic" | "any"): Caller {
    const { authorization } = headers;
    if (authorization === undefined || authorization === "") return "nobody";
    const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(String(authorization)) ?? [];
    const kind = scheme.toLowerCase();
    if (kind === "basic") {
      const decoded = Buffer.from(value, "base64").toString();
      return this.#grant(decoded.slice(decoded.indexOf(":") + 1)) ?? "unknown";
    }
    if (schemes === "any" && (kind === "bearer" || kind === "token")) {
      return this.#grant(value) ?? "unknown";
    }
    return "unknown";
  }

  #grant(token: string): Grant | undefined {
    const fine = this.#fineGrained[token];
    if (fine !== undefined) return { kind: "fine-grained", ...fine };
    const made = this.#app?.made.get(token);
    if (made === undefined || made.ends < Date.now()) return undefined;
    return {
      kind: "app",
      owner: this.#app?.owner ?? "",
      repositories: made.repositories as readonly string[] | undefined,
      permissions: made.permissions as Readonly<Record<string, Level>>,
    };
  }
}

/** Whether a caller has a permission for a repository. Everybody may read a public one. */
export function may(
  caller: Caller,
  repository: Repository,
  permission: string,
  level: Level,
): boolean {
  if (level === "read" && !repository.private) return true;
  if (typeof caller === "string") return false;
  const covered =
    caller.owner.toLowerCase() === repository.owner.toLowerCase() &&
    (caller.repositories?.some((name) => name.toLowerCase() === repository.name.toLowerCase()) ??
      true);
  if (!covered) return false;
  if (permission === "metadata") return level === "read";
  const granted = caller.permissions[permission];
  return granted === "write" || granted === level;
}

/** Whether a repository exists for a caller. */
export function sees(caller: Caller, repository: Repository): boolean {
  return may(caller, repository, "metadata", "read");
}
