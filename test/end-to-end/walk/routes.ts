import { readFileSync } from "node:fs";
import type { Target } from "../../lab/target.ts";

/** A route of LiteLLM's own table, its parameters filled in. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

/** An answer that was not a 4xx. */
export interface OpenRoute extends Route {
  readonly status: number;
  readonly body: string;
}

// FastAPI stores included routers as routes of their own, so the table is a tree.
const LIST_ROUTES = `
import json
from litellm.proxy.proxy_server import app
found = set()
def walk(routes):
    for route in routes:
        if hasattr(route, "original_router"):
            walk(route.effective_candidates())
            walk(route.effective_low_priority_routes())
            continue
        original = getattr(route, "original_route", None)
        path = getattr(route, "path", None) or getattr(original, "path", "")
        methods = getattr(route, "methods", None) or getattr(original, "methods", None) or ["GET"]
        found.update((method, path) for method in methods)
walk(app.routes)
print("ROUTES " + json.dumps(sorted(found)))
`;

/** LiteLLM's route table, from the running release. */
export async function routesOfLiteLlm(target: Target, namespace: string): Promise<Route[]> {
  const stdout = await target.kubectl([
    ...["exec", `--namespace=${namespace}`, "service/gateway", "--"],
    ...["env", "LITELLM_LOG=ERROR", "python3", "-c", LIST_ROUTES],
  ]);
  const line = stdout.split("\n").find((text) => text.startsWith("ROUTES "));
  const routes = JSON.parse(line?.slice("ROUTES ".length) ?? "[]") as [string, string][];
  return routes.map(([method, path]) => ({ method, path: path.replaceAll(/\{[^}]*\}/g, "x") }));
}

const script = readFileSync(new URL("routes.mjs", import.meta.url), "utf8");

/** Requests every route except the message routes with an agent's token. Returns those not answered with a 4xx. */
export async function walkRoutes(
  target: Target,
  { gateway, agent }: { readonly gateway: string; readonly agent: string },
  routes: readonly Route[],
): Promise<OpenRoute[]> {
  const stdout = await target.kubectl(
    [
      ...["exec", "--stdin", `--namespace=${agent}`, "service/runner", "--"],
      ...["env", `ORIGIN=http://gateway.${gateway}.svc.cluster.local:8080`],
      ...["node", "--input-type=module", "--eval", script],
    ],
    { input: JSON.stringify(routes) },
  );
  return JSON.parse(stdout) as OpenRoute[];
}
