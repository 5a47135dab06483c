import { randomBytes } from "node:crypto";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import { ports } from "../../../components/kubernetes/ports.ts";
import type { ScriptInput } from "../../lab/anthropic/scripts.ts";
import type { Target } from "../../lab/target.ts";
import { leaks } from "../../end-to-end/walk/spike-secrets.ts";
import type { Ring, Surroundings } from "./attempt.ts";
import type { AttemptResult } from "./report.ts";
import type { Means } from "./tries.ts";

/** Secrets, by a description of each. */
export type Secrets = Readonly<Record<string, string>>;

/** What an agent can read in its own pod. */
export interface Readable {
  readonly environment: string;
  readonly files: string;
  /** Every answer of the gateway with its headers; empty on a path where the gateway gives no answers of its own. */
  readonly answers: readonly string[];
}

/** Matches a key of the API, of LiteLLM or of ours, anywhere in a Secret. */
const KEY = /\b(?:sk-[\w-]+|[\w-]{40,})/g;

/** All keys in the stack's Secrets, split into the agent's own and all others. */
export async function stackSecrets(
  target: Target,
  stack: string,
  { agent, variant }: Pick<Surroundings, "agent" | "variant">,
): Promise<{ readonly own: Secrets; readonly others: Secrets }> {
  const list = async (...what: string[]) =>
    (JSON.parse(await target.kubectl(["get", ...what, "--output=json"])) as { items: Item[] })
      .items;
  const namespaces = await list("namespaces", `--selector=${labelKeys.stack}=${stack}`);
  const own: Record<string, string> = {};
  const others: Record<string, string> = {};
  for (const { metadata: namespace } of namespaces) {
    for (const { metadata, data } of await list("secrets", `--namespace=${namespace.name}`)) {
      for (const [key, value] of Object.entries(data ?? {})) {
        const keys = Buffer.from(value, "base64").toString().match(KEY) ?? [];
        for (const [index, found] of keys.entries()) {
          const into = namespace.name === agent ? own : others;
          into[`${namespace.name}/${metadata.name} ${key} ${index}`] = found;
        }
      }
    }
  }
  const mine = Object.values(own);
  if (mine.length === 0 && variant !== "envoy-sni") throw new Error(`${agent} has no token`);
  return {
    own,
    others: Object.fromEntries(Object.entries(others).filter(([, found]) => !mine.includes(found))),
  };
}

interface Item {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

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

const READ = `
import glob, http.client, json, os, sys
from concurrent.futures import ThreadPoolExecutor
host, planted, paths, marks = json.load(sys.stdin)
def contents(path):
    try:
        with open(path, "rb") as file: return file.read(1 << 20).decode(errors="replace")
    except OSError: return ""
environment = "\\n".join(contents(path) for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"))
with open("/tmp/planted", "w") as file: file.write(planted)
image = ("/proc", "/sys", "/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt", "/boot", "/var/lib/dpkg", "/var/cache")
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in image]
    found += [contents(path) for path in (os.path.join(folder, name) for name in files) if os.path.isfile(path)]
os.remove("/tmp/planted")
def ask(method, path, headers, body):
    try:
        connection = http.client.HTTPConnection(host[0], host[1], timeout=30)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return f"{method} {path}: {response.status}\\n{response.headers}\\n{response.read(1 << 20).decode(errors='replace')}"
    except Exception as error: return f"{method} {path}: {error}"
own = os.environ.get("ANTHROPIC_AUTH_TOKEN", "")
shown = [{}, {"x-api-key": "cgw-wrong"}, {"x-api-key": own}, {"Authorization": "Bearer " + own}]
message = lambda text: json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 1, "messages": [{"role": "user", "content": text}]})
asked = [(method, path, headers, body) for path in paths for headers in shown for method, body in (("GET", None), ("POST", "{"), ("OPTIONS", None), ("TRACE", None))]
asked += [("POST", "/anthropic/v1/messages", {"x-api-key": own, "content-type": "application/json"}, message(mark)) for mark in marks]
with ThreadPoolExecutor(8) as pool: answers = list(pool.map(lambda it: ask(*it), asked)) if host else []
json.dump({"environment": environment, "files": "\\n".join(found), "answers": answers}, sys.stdout)
`;

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
  const command = ["exec", "--stdin", `--namespace=${around.agent}`, "service/runner", "--"];
  const input = JSON.stringify([host, planted, PATHS, marks]);
  return JSON.parse(
    await target.kubectl([...command, "python3", "-c", READ], { input }),
  ) as Readable;
}

/** Searches everything that an agent can read for keys that are not its own. */
export async function measureCredentials(
  stack: string,
  around: Surroundings,
  means: Means,
): Promise<AttemptResult[]> {
  const { own, others } = await stackSecrets(means.target, stack, around);
  const planted = randomBytes(32).toString("hex");
  const { environment, files, answers } = await readAsAgent(around, means, planted);
  const count = Object.keys(others).length;
  // Only in mode sni may there be no other keys.
  if (count === 0 && around.variant !== "envoy-sni")
    throw new Error(`the Secrets of stack ${stack} contain no key besides the agent's own`);
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
          environment.includes("ANTHROPIC_BASE_URL=") &&
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
