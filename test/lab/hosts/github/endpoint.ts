import type { Caller, Level } from "./grants.ts";
import type { Answer, Request } from "./http.ts";
import type { Repository, World } from "./world.ts";

/** A request for one repository. */
export interface RepositoryCall {
  readonly world: World;
  readonly caller: Caller;
  readonly repository: Repository;
  readonly request: Request;
  /** What the endpoint's expression found in the path. */
  readonly parts: RegExpExecArray;
}

/** An endpoint below `/repos/OWNER/NAME`. */
export interface Endpoint {
  readonly method: string;
  readonly path: RegExp;
  /** The permission, as the reference of GitHub Apps' permissions says. */
  readonly needs: readonly [permission: string, level: Level];
  readonly answer: (call: RepositoryCall) => Answer | Promise<Answer>;
}
