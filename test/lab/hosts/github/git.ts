import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { type Answer, type Request, text } from "./http.ts";
import { type Grants, may, sees } from "./grants.ts";
import { fullName, type World } from "./world.ts";

const PATH = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const SERVICES = ["git-upload-pack", "git-receive-pack"];

/** Git over HTTPS at github.com: the real `git http-backend`, behind GitHub's checks and with its texts. */
export async function git(
  world: World,
  grants: Grants,
  request: Request,
): Promise<Answer | undefined> {
  const [, owner = "", name = "", action = ""] = PATH.exec(request.path) ?? [];
  if (action === "") return undefined;
  const service = action === "info/refs" ? (request.query.get("service") ?? "") : action;
  if (!SERVICES.includes(service)) {
    return text(
      403,
      "Please upgrade your git client.\nGitHub.com no longer supports git over dumb-http: https://github.com/blog/809-git-dumb-http-transport-to-be-deprecated\n",
    );
  }
  if (request.method !== (action === "info/refs" ? "GET" : "POST")) {
    return text(405, "Method Not Allowed");
  }
  const level = service === "git-upload-pack" ? "read" : "write";
  const caller = grants.callerOf(request, "basic");
  const { repository, former = false } = world.named(`${owner}/${name}`) ?? {};
  if (caller === "unknown") {
    return unauthorized(
      "Invalid username or token. Password authentication is not supported for Git operations.",
    );
  }
  const exists = repository !== undefined && sees(caller, repository);
  if (!exists) {
    return caller === "nobody"
      ? unauthorized("Repository not found.")
      : text(404, "Repository not found.");
  }
  if (former) {
    const query = request.query.size > 0 ? `?${request.query.toString()}` : "";
    const location = `https://github.com/${fullName(repository)}.git/${action}${query}`;
    return { status: 301, headers: { location } };
  }
  if (!may(caller, repository, "contents", level)) {
    if (caller === "nobody") return unauthorized("No anonymous write access.");
    return level === "write"
      ? text(403, "Write access to repository not granted.")
      : text(404, "Repository not found.");
  }
  return backend(request, { dir: repository.dir, action });
}

function unauthorized(message: string): Answer {
  return text(401, message, { "www-authenticate": 'Basic realm="GitHub"' });
}

/** Runs Git's own program for servers, by the Common Gateway Interface. */
async function backend(
  request: Request,
  { dir, action }: { readonly dir: string; readonly action: string },
): Promise<Answer> {
  const header = (name: string) => {
    const value = request.headers[name];
    return value === undefined ? undefined : String(value);
  };
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: dirname(dir),
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      PATH_INFO: `${dir.slice(dirname(dir).length)}/${action}`,
      REQUEST_METHOD: request.method,
      QUERY_STRING: request.query.toString(),
      CONTENT_TYPE: header("content-type"),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      GIT_PROTOCOL: header("git-protocol"),
      REMOTE_USER: "lab",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(request.body);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const output = Buffer.concat(chunks);
  const end = output.indexOf("\r\n\r\n");
  const headers = Object.fromEntries(
    output
      .subarray(0, end)
      .toString()
      .split("\r\n")
      .map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
  );
  const { status = "200", ...others } = headers;
  return { status: Number.parseInt(status, 10), headers: others, body: output.subarray(end + 4) };
}
