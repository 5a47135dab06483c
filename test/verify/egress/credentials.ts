import { randomBytes } from "node:crypto";
import { ports } from "../../../components/kubernetes/ports.ts";
import type { ScriptInput } from "../../lab/anthropic/scripts.ts";
import type { Target } from "../../lab/target.ts";
import { type Readable, readAgent, stackSecrets } from "../secrets/agent-keys.ts";
import { leaks } from "../secrets/leaks.ts";
import { mintedTokens } from "../secrets/minted-tokens.ts";
import type { Ring, Surroundings } from "./attempt.ts";
import type { AttemptResult } from "./report.ts";
import type { Means } from "./tries.ts";

const PATHS = [
  "/",
  "/health",
  "/health/liveliness",
  "/health/readiness",
  "/health/services",
  "/ready",
  "/stats",
  "/stats/prometheus",
  "/metrics",
  "/config_dump",
  "/config/yaml",
  "/get/config/callbacks",
  "/active/callbacks",
  "/settings",
  "/debug/asyncio-tasks",
  "/routes",
  "/openapi.json",
  "/v1/models",
  "/model/info",
  "/v1/model/info",
  "/key/info",
  "/key/list",
  "/key/generate",
  "/user/list",
  "/credentials",
  "/spend/logs",
  "/global/spend/logs",
  "/anthropic",
  "/anthropic/v1/messages",
  "/anthropic/v1/messages/count_tokens",
  "/anthropic/v1/models",
  "/anthropic/v1/organizations/api_keys",
];

/** The upstream's answers, by a mark in the request. */
const UPSTREAM_ANSWERS: Readonly<Record<string, ScriptInput["action"]>> = {
  "answer 401": { kind: "error", status: 401 },
  "answer 529": { kind: "error", status: 529 },
  "answer 500": { kind: "raw", status: 500, headers: [["content-type", "text/html"]] },
  "answer nothing": { kind: "reset", after: "request" },
};

/** Collects everything that an agent can read. During this time a file contains `planted`. */
export async function readAsAgent(
  around: Pick<Surroundings, "agent" | "variant" | "gatewayAddress">,
  { target, upstream }: Pick<Means, "target" | "upstream">,
  planted: string,
): Promise<Readable> {
  const host = around.variant === "envoy-sni" ? null : [around.gatewayAddress, ports.agents];
  if (upstream !== undefined && host !== null) {
    await upstream.push(
      ...Object.entries(UPSTREAM_ANSWERS).map(([mark, action]) => ({
        match: { bodyContains: mark },
        action,
      })),
    );
  }
  const marks = upstream === undefined ? [] : Object.keys(UPSTREAM_ANSWERS);
  return readAgent(target, around.agent, [host, planted, PATHS, marks]);
}

/** Searches everything that an agent can read for keys that are not its own. */
export async function measureCredentials(
  stack: string,
  around: Surroundings,
  means: Means,
): Promise<AttemptResult[]> {
  const { own, others: stored } = await stackSecrets(means.target, stack, around);
  const others = { ...stored, ...(await mintedTokens(means.target, around)) };
  const planted = randomBytes(32).toString("hex");
  const { environment, files, answers } = await readAsAgent(around, means, planted);
  const count = Object.keys(others).length;
  // Only in mode sni may there be no other keys.
  if (count === 0 && around.variant !== "envoy-sni")
    throw new Error(
      `stack ${stack} has no key besides the agent's own, so a search proves nothing`,
    );
  const row = (
    id: string,
    ring: Ring,
    title: string,
    text: string,
    control: { readonly what: string; readonly found: boolean },
    extent: string,
  ): AttemptResult => {
    const found = leaks({ [id]: text }, others);
    const failed = found.length > 0 || !control.found;
    return {
      ...{ id: `credentials.${id}`, title, expected: "blocked", rings: [ring] },
      status: failed ? "fail" : count === 0 ? "not-applicable" : "pass",
      evidence:
        found.length > 0
          ? found.join(", ")
          : control.found
            ? `${extent}: none of ${count} other keys found, but the control was found (${control.what})`
            : `the search did not find the control (${control.what}), so it proves nothing`,
    };
  };
  const finds = (text: string, secret: string) => leaks({ text }, { secret }).length > 0;
  const rows = [
    row(
      "environment",
      "secrets",
      "another party's key in a process's environment or arguments",
      environment,
      {
        what: "the agent's own environment",
        found:
          /ANTHROPIC_(?:VERTEX_|BEDROCK_)?BASE_URL=/.test(environment) &&
          Object.values(own).every((secret) => finds(environment, secret)),
      },
      `${environment.length} characters`,
    ),
    row(
      "files",
      "secrets",
      "another party's key in a file",
      files,
      { what: "a planted key", found: finds(files, planted) },
      `${files.length} characters`,
    ),
    await apiServer(means.target, around.agent),
  ];
  if (answers.length === 0) return rows;
  const answered = answers.filter((answer) => /^\w+ \S+: \d{3}$/m.test(answer)).length;
  return [
    ...rows,
    row(
      "answers",
      "gateway",
      "another party's key in the gateway's answers",
      answers.join("\n"),
      {
        what: "many answers",
        found: answered > answers.length / 2,
      },
      `${answered} answers`,
    ),
  ];
}

/** What the API server would answer to somebody in the agent's pod who could reach it. */
async function apiServer(target: Target, agent: string): Promise<AttemptResult> {
  const list = ["get", "secrets,configmaps,pods", "--all-namespaces", "--output=name"];
  const callers = [
    [`--as=system:serviceaccount:${agent}:default`],
    ["--as=system:anonymous", "--as-group=system:unauthenticated"],
  ];
  const readable: string[] = [];
  for (const caller of callers) {
    const stdout = await target.kubectl([...list, ...caller]).catch((error: unknown) => {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      if (!stderr.includes("is forbidden")) throw error;
      return stdout;
    });
    readable.push(...stdout.split("\n").filter((line) => line !== ""));
  }
  return {
    ...{ id: "credentials.api-server", expected: "blocked", rings: ["rbac"] },
    title: "Secrets, ConfigMaps and pods, read as the agent's service account or anonymously",
    status: readable.length === 0 ? "pass" : "fail",
    evidence: readable.length === 0 ? "the API server forbids all of them" : readable.join(", "),
  };
}
