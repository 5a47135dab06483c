import { variants } from "../../../../components/gateway/paths/index.ts";
import { canInspect } from "../../../../components/gateway/paths/variant.ts";
import { ports } from "../../../../components/kubernetes/ports.ts";
import type { Attempt } from "../attempt.ts";

/**
 * A request that no repository of `egress.github` can allow, with the agent's token as GitHub's clients show it. None of them
 * would change anything at GitHub if it got there.
 */
const refused = (
  id: string,
  title: string,
  {
    host,
    line,
    body = "",
  }: { readonly host: string; readonly line: string; readonly body?: string },
): Attempt => ({
  id: `github.${id}`,
  title,
  expected: "refused by the gateway",
  rings: ["gateway"],
  variants: variants.filter(canInspect).map(({ name }) => name),
  unless: ({ settings }) =>
    settings.inspect?.includes("github.com") === true
      ? undefined
      : "the stack has no egress.github",
  python: ({ gatewayAddress }) =>
    `s = ssl.create_default_context().wrap_socket(tcp("${gatewayAddress}", ${ports.https}), server_hostname="${host}")
    token = __import__("base64").b64encode(("x-access-token:" + os.environ.get("GH_TOKEN", os.environ["ANTHROPIC_AUTH_TOKEN"])).encode()).decode()
    s.sendall(("${line} HTTP/1.1\\r\\nHost: ${host}\\r\\nUser-Agent: git/2\\r\\nAuthorization: Basic " + token + "\\r\\nContent-Length: ${body.length}\\r\\nConnection: close\\r\\n\\r\\n${body}").encode())
    response = http.client.HTTPResponse(s)
    response.begin()
    text = response.read(500).decode(errors="replace")
    if response.status == 403 and "gateway: only " in text and "is not allowed" in text: raise OSError(f"status 403 {text}")
    return f"status {response.status} {text}"`,
});

/** A repository that anybody may read at GitHub, and nobody lists. */
const OTHER = "octocat/Hello-World";

const git = (service: string) => ({
  host: "github.com",
  line: `GET /${OTHER}.git/info/refs?service=${service}`,
});

const api = (line: string, body?: string) => ({
  host: "api.github.com",
  line,
  ...(body !== undefined && { body }),
});

/** What `egress.github` refuses, whatever it lists. */
export const github: readonly Attempt[] = [
  refused("fetch", "a repository on GitHub that is not listed", git("git-upload-pack")),
  refused("push", "a push to a repository on GitHub that is not listed", git("git-receive-pack")),
  refused("api", "GitHub's API for a repository that is not listed", api(`GET /repos/${OTHER}`)),
  refused("by-number", "the same by the repository's number", api("GET /repositories/1296269")),
  refused("account", "the account of GitHub's credential", api("GET /user")),
  refused("graphql", "GitHub's GraphQL, which is for all repositories", api("POST /graphql", "{}")),
  refused("upload", "a file for a release of a repository that is not listed", {
    host: "uploads.github.com",
    line: `GET /repos/${OTHER}/releases/1/assets`,
  }),
];
