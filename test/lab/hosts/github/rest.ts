import type { GithubTokens } from "../../tokens/github.ts";
import { type Caller, type Grants, type Level, may, sees } from "./grants.ts";
import { type Answer, json, problem, type Request, text } from "./http.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoints } from "./endpoints.ts";
import type { World } from "./world.ts";

const NO_USER_AGENT =
  "Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\n";

/** The REST API at api.github.com. It answers every request. */
export async function rest(
  world: World,
  grants: Grants,
  app: GithubTokens | undefined,
  request: Request,
): Promise<Answer> {
  const { method, path, headers } = request;
  if (headers["user-agent"] === undefined) return text(403, NO_USER_AGENT);
  if (path.startsWith("/app/") && app !== undefined) {
    const made = await app.handle({ method, path, headers, body: request.body.toString("utf8") });
    return json(made.status, made.body);
  }
  const caller = grants.callerOf(request, "any");
  if (caller === "unknown") return problem(401, "Bad credentials");
  if (method === "GET" && path === "/rate_limit") return json(200, { resources: {} });
  if (method === "GET" && path === "/user") return user(caller);
  if (method === "POST" && path === "/graphql") {
    return caller === "nobody"
      ? problem(401, "This endpoint requires you to be authenticated.")
      : json(200, { data: { viewer: { login: caller.owner } } });
  }
  return ofRepository(world, caller, request);
}

function user(caller: Exclude<Caller, "unknown">): Answer {
  if (caller === "nobody") return problem(401, "Requires authentication");
  if (caller.kind === "app") return problem(403, "Resource not accessible by integration");
  return json(200, { login: caller.owner });
}

async function ofRepository(
  world: World,
  caller: Exclude<Caller, "unknown">,
  request: Request,
): Promise<Answer> {
  const found = find(world, request.path);
  if (found === undefined || !sees(caller, found.repository)) return problem(404, "Not Found");
  const { repository, former, rest: below } = found;
  if (former) {
    const url = `https://api.github.com/repositories/${repository.id}${below}`;
    return {
      ...problem(request.method === "GET" ? 301 : 307, "Moved Permanently", { url }),
      headers: { location: url, "content-type": "application/json; charset=utf-8" },
    };
  }
  for (const endpoint of endpoints) {
    const parts = endpoint.method === request.method && endpoint.path.exec(below);
    if (parts) return answer(endpoint, { world, caller, repository, request, parts });
  }
  return problem(404, "Not Found");
}

/** The repository that a path names, by its name or its number, and the path below it. */
function find(world: World, path: string) {
  const [, owner = "", name = "", rest = ""] =
    /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  const named = world.named(`${owner}/${name}`);
  if (named !== undefined) return { ...named, rest };
  const [, id = "", below = ""] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
  const repository = world.repositories.find((known) => known.id === Number(id));
  return repository && { repository, former: false, rest: below };
}

async function answer(
  endpoint: Endpoint,
  call: Parameters<Endpoint["answer"]>[0] & { readonly caller: Exclude<Caller, "unknown"> },
): Promise<Answer> {
  const { caller, repository } = call;
  const [permission, level] = endpoint.needs;
  if (!may(caller, repository, permission, level)) return forbidden(caller, level);
  return endpoint.answer(call);
}

function forbidden(caller: Exclude<Caller, "unknown">, level: Level): Answer {
  if (caller === "nobody")
    return level === "read" ? problem(404, "Not Found") : problem(401, "Requires authentication");
  return problem(
    403,
    caller.kind === "app"
      ? "Resource not accessible by integration"
      : "Resource not accessible by personal access token",
  );
}
