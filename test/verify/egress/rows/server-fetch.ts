import { gzipSync } from "node:zlib";
import { variants } from "../../../../components/gateway/paths/index.ts";
import { isMetered } from "../../../../components/gateway/paths/variant.ts";
import { ports } from "../../../../components/kubernetes/ports.ts";
import type { Attempt, Surroundings } from "../attempt.ts";

/** A way to make Anthropic's servers fetch a URL. */
interface Fetch {
  readonly name: string;
  readonly title: string;
  /** The fields that ask for it. */
  readonly asks: (url: string) => object;
  /** The field that a refusal names. */
  readonly field: string;
}

const domain = (url: string) => new URL(url).hostname;

const fetches: readonly Fetch[] = [
  {
    name: "web-fetch",
    title: "a page that Anthropic's servers fetch (web_fetch)",
    asks: (url) => ({
      tools: [{ type: "web_fetch_20250910", name: "web_fetch", allowed_domains: [domain(url)] }],
    }),
    field: "tools[].type",
  },
  {
    name: "web-search",
    title: "a search that Anthropic's servers make (web_search)",
    asks: (url) => ({
      tools: [{ type: "web_search_20250305", name: "web_search", allowed_domains: [domain(url)] }],
    }),
    field: "tools[].type",
  },
  {
    name: "mcp-servers",
    title: "an MCP server that Anthropic's servers call (mcp_servers)",
    asks: (url) => ({ mcp_servers: [{ type: "url", name: "elsewhere", url }] }),
    field: "mcp_servers",
  },
  {
    name: "url-source",
    title: "a picture that Anthropic's servers fetch (source.type url)",
    asks: (url) => ({
      messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url } }] }],
    }),
    field: "source.type",
  },
];

const MARK = "server-fetch";

const host = ({ name }: Fetch) => `${MARK}-${name}.example`;

const bodyOf = (fetch: Fetch) =>
  JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 1,
    messages: [{ role: "user", content: "fetch it" }],
    ...fetch.asks(`https://${host(fetch)}/secret`),
  });

/** A Python expression: the answer to a message with a body, which is a Python expression too. */
function sent({ variant, gatewayAddress }: Surroundings, body: string, headers = ""): string {
  return variant === "envoy-sni"
    ? `https_message("${gatewayAddress}", {"x-api-key": os.environ.get("ANTHROPIC_API_KEY", "")}, ${body})`
    : `http_status("${gatewayAddress}", ${ports.agents}, "POST", "/anthropic/v1/messages", {"x-api-key": os.environ["ANTHROPIC_AUTH_TOKEN"], "content-type": "application/json"${headers}}, ${body})`;
}

/** Lets the upstream answer with a mark only if the request arrived with the field. */
const marked = (fetch: Fetch): Pick<Attempt, "relayed" | "upstream"> => ({
  relayed: true,
  upstream: (control) =>
    control.push({
      match: { bodyContains: host(fetch) },
      action: { kind: "raw", status: 200, headers: [["x-arrived", fetch.name]] },
    }),
});

/** The fetches where the stack allows them. They happen outside, so no ring can block them. */
export const allowedFetches: readonly Attempt[] = fetches.map((fetch) => ({
  id: `limit.server-fetch.${fetch.name}`,
  title: fetch.title,
  expected: "limit",
  rings: ["gateway"],
  unless: ({ settings }) =>
    settings.serverFetch === "deny" ? "egress.serverFetch is deny" : undefined,
  ...marked(fetch),
  python: (around) => `response = ${sent(around, JSON.stringify(bodyOf(fetch)))}
    if response.getheader("x-arrived") != "${fetch.name}": raise OSError(f"status {response.status}, but the field did not arrive")
    return "the API got the field"`,
  reason:
    "Anthropic's servers fetch it from outside, including any data in the URL; the gateway passes the request on unchanged",
}));

/** A request that the gateway must refuse with a 403 that names the field. Any other answer counts as open. */
const refusal = (
  id: string,
  title: string,
  field: string,
  response: Attempt["python"],
): Attempt => ({
  id: `server-fetch.${id}`,
  title,
  expected: "refused by the gateway",
  rings: ["gateway"],
  variants: variants.filter(isMetered).map(({ name }) => name),
  unless: ({ settings }) =>
    settings.serverFetch === "deny" ? undefined : "egress.serverFetch is allow",
  relayed: true,
  python: (...given) => `response = ${response(...given)}
    text = response.read().decode(errors="replace")
    if response.status != 403 or '"type":"permission_error"' not in text or "gateway: ${field}" not in text:
        return f"status {response.status} {text[:200]}"
    raise OSError(f"status 403 {text[:200]}")`,
});

const [webFetch] = fetches;
const compressed = webFetch && gzipSync(bodyOf(webFetch)).toString("base64");

/** The same where the stack denies them, and ways to hide one. */
export const deniedFetches: readonly Attempt[] = [
  ...fetches.map((fetch) => ({
    ...refusal(fetch.name, fetch.title, fetch.field, (around) =>
      sent(around, JSON.stringify(bodyOf(fetch))),
    ),
    ...marked(fetch),
  })),
  refusal(
    "newer-tool",
    "a server tool that is not known",
    "tools[].type web_browse_20270101",
    (around) =>
      sent(around, `'{"tools":[{"type":"web_browse_20270101","name":"web"}],"messages":[]}'`),
  ),
  refusal("escaped", "a field whose name has escapes", "mcp_servers", (around) =>
    sent(around, String.raw`r'{"mcp\u005fservers":[],"messages":[]}'`),
  ),
  refusal(
    "compressed",
    "a compressed request, which the gateway cannot read",
    "a compressed body",
    (around) =>
      sent(
        around,
        `__import__("base64").b64decode("${compressed}")`,
        ', "content-encoding": "gzip"',
      ),
  ),
];
