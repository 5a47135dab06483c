import type { Endpoint } from "./endpoint.ts";
import { json } from "./http.ts";

/** What changes who may do what, or takes the repository elsewhere: [method, path, permission]. */
const SETTINGS: readonly (readonly [string, RegExp, string])[] = [
  ["PATCH", /^$/, "administration"],
  ["DELETE", /^$/, "administration"],
  ["POST", /^\/transfer$/, "administration"],
  ["POST", /^\/forks$/, "administration"],
  ["POST", /^\/merge-upstream$/, "contents"],
  ["POST", /^\/dispatches$/, "contents"],
  ["PUT", /^\/collaborators\/([^/]+)$/, "administration"],
  ["POST", /^\/keys$/, "administration"],
  ["POST", /^\/hooks$/, "repository_hooks"],
  ["PUT", /^\/branches\/([^/]+)\/protection$/, "administration"],
  ["DELETE", /^\/branches\/([^/]+)\/protection$/, "administration"],
  ["POST", /^\/rulesets$/, "administration"],
  ["PUT", /^\/actions\/secrets\/([^/]+)$/, "secrets"],
  ["PUT", /^\/actions\/permissions$/, "administration"],
  ["PUT", /^\/environments\/([^/]+)$/, "administration"],
  ["PUT", /^\/topics$/, "administration"],
];

/** They change nothing here, apart from the list of what was changed. */
export const settingsEndpoints: readonly Endpoint[] = SETTINGS.map(
  ([method, path, permission]): Endpoint => ({
    ...{ method, path },
    needs: [permission, "write"],
    answer({ repository, request }) {
      repository.settingsChanged.push(`${method} ${request.path}`);
      return method === "DELETE" ? { status: 204 } : json(200, {});
    },
  }),
);
