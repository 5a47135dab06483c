import { randomBytes } from "node:crypto";
import type { VariantName } from "../../../components/gateway/paths/index.ts";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import type { Target } from "../../lab/target.ts";
import { leaks } from "./leaks.ts";
import { mintedTokens } from "./minted-tokens.ts";

/** Secrets, by a description of each. */
export type Secrets = Readonly<Record<string, string>>;

/** An agent's namespace, and the path of its stack. */
export interface AgentOfPath {
  readonly agent: string;
  readonly variant: VariantName;
}

/** What an agent can read in its own pod. */
export interface Readable {
  readonly environment: string;
  readonly files: string;
  /** Every answer of the gateway with its headers; empty on a path where the gateway gives no answers of its own. */
  readonly answers: readonly string[];
}

/** Matches a key of the API, of LiteLLM or of ours, anywhere in a Secret. */
const KEY = /\b(?:sk-[\w-]+|[\w-]{40,})/g;

/** Matches a private key's lines. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n([^-]*)/g;

/** All keys in the stack's Secrets, split into the agent's own and all others. */
export async function stackSecrets(
  target: Target,
  stack: string,
  { agent, variant }: AgentOfPath,
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
        const keys = keysIn(key, Buffer.from(value, "base64").toString());
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

/** The secrets in a file of a Secret. */
export function keysIn(file: string, text: string): string[] {
  // What an agent trusts is no secret.
  const secret = text.replaceAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g, "");
  const lines = [...secret.matchAll(PRIVATE_KEY)].flatMap(([, body = ""]) =>
    body.split("\n").filter((line) => line.length >= 40),
  );
  // The credential of a host can have any form.
  const ofHost = file.startsWith("host-credential-")
    ? [...secret.matchAll(/"inline_string": "([^"]+)"/g)].map(([, credential = ""]) => credential)
    : [];
  // Parts of a private key's lines are its public key, which its certificate has too.
  const elsewhere = secret.replaceAll(PRIVATE_KEY, "");
  return [...new Set([...(elsewhere.match(KEY) ?? []), ...lines, ...ofHost])];
}

interface Item {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

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

/** Reads in an agent's pod; `input` is what READ takes. */
export async function readAgent(
  target: Target,
  agent: string,
  input: readonly unknown[],
): Promise<Readable> {
  const command = ["exec", "--stdin", `--namespace=${agent}`, "service/runner", "--"];
  const stdout = await target.kubectl([...command, "python3", "-c", READ], {
    input: JSON.stringify(input),
  });
  return JSON.parse(stdout) as Readable;
}

/** What a search of an agent's pod for other parties' keys found. */
export interface CredentialSearch {
  /** The number of the stack's keys that are not the agent's own: those in Secrets, and those that the gateway's pod makes. */
  readonly others: number;
  /** Where one of them was found. */
  readonly found: readonly string[];
  /** How much was searched: environments, arguments and files. */
  readonly characters: number;
  /** Whether the search found a key that was planted for it. */
  readonly foundControl: boolean;
}

/** Searches an agent's processes and files for the stack's keys that are not its own. */
export async function searchAgent(
  target: Target,
  stack: string,
  around: AgentOfPath & { readonly gatewayNamespace: string },
): Promise<CredentialSearch> {
  const { others: stored } = await stackSecrets(target, stack, around);
  const others = { ...stored, ...(await mintedTokens(target, around)) };
  const planted = randomBytes(32).toString("hex");
  const { environment, files } = await readAgent(target, around.agent, [null, planted, [], []]);
  return {
    others: Object.keys(others).length,
    found: leaks({ environment, files }, others),
    characters: environment.length + files.length,
    foundControl: leaks({ files }, { planted }).length > 0,
  };
}
