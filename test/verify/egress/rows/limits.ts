import { ports } from "../../../../components/kubernetes/ports.ts";
import { variants } from "../../../../components/gateway/paths/index.ts";
import { isMetered } from "../../../../components/gateway/paths/variant.ts";
import type { Attempt } from "../attempt.ts";

const FETCHED = "limit-server-fetch";

/** Content that Anthropic's servers fetch because a request asks for it. They run outside, so no ring can block it. */
const serverFetch = (name: string, title: string, asks: (url: string) => object): Attempt => ({
  id: `limit.server-fetch.${name}`,
  title,
  expected: "limit",
  rings: ["gateway"],
  relayed: true,
  // The upstream sends this mark only if the request arrived with the field.
  upstream: (control) =>
    control.push({
      match: { bodyContains: `${FETCHED}-${name}.example` },
      action: { kind: "raw", status: 200, headers: [["x-arrived", name]] },
    }),
  python: ({ gatewayAddress, variant }) => {
    const body = JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 1,
      messages: [{ role: "user", content: "fetch it" }],
      ...asks(`https://${FETCHED}-${name}.example/secret`),
    });
    const send =
      variant === "envoy-sni"
        ? `https_message("${gatewayAddress}", {"x-api-key": os.environ.get("ANTHROPIC_API_KEY", "")}, ${JSON.stringify(body)})`
        : `http_status("${gatewayAddress}", ${ports.agents}, "POST", "/anthropic/v1/messages", {"x-api-key": os.environ["ANTHROPIC_AUTH_TOKEN"], "content-type": "application/json"}, ${JSON.stringify(body)})`;
    return `response = ${send}
    if response.getheader("x-arrived") != "${name}": raise OSError(f"status {response.status}, but the field did not arrive")
    return "the API got the field"`;
  },
  reason:
    "Anthropic's servers fetch it from outside, including any data in the URL; the gateway passes the request on unchanged",
});

const domain = (url: string) => new URL(url).hostname;

/** What the rings do not block, counted separately. */
export const limits: readonly Attempt[] = [
  serverFetch("web-fetch", "a page that Anthropic's servers fetch (web_fetch)", (url) => ({
    tools: [{ type: "web_fetch_20250910", name: "web_fetch", allowed_domains: [domain(url)] }],
  })),
  serverFetch("web-search", "a search that Anthropic's servers make (web_search)", (url) => ({
    tools: [{ type: "web_search_20250305", name: "web_search", allowed_domains: [domain(url)] }],
  })),
  serverFetch(
    "mcp-servers",
    "an MCP server that Anthropic's servers call (mcp_servers)",
    (url) => ({
      mcp_servers: [{ type: "url", name: "elsewhere", url }],
    }),
  ),
  serverFetch(
    "url-source",
    "a picture that Anthropic's servers fetch (source.type url)",
    (url) => ({
      messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url } }] }],
    }),
  ),
  {
    id: "limit.telemetry",
    title: "any text as Claude Code's own telemetry, to the OTLP receiver",
    expected: "limit",
    rings: ["gateway"],
    variants: variants.filter(isMetered).map(({ name }) => name),
    python: ({
      gatewayAddress,
    }) => `body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"any text"}}]}]}]}'
    headers = {"authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"], "content-type": "application/json"}
    response = http_status("${gatewayAddress}", ${ports.otlp}, "POST", "/v1/logs", headers, body)
    if response.status != 200: raise OSError(f"status {response.status}")
    return "the receiver took it"`,
    reason:
      "where telemetry.otlp is set, the gateway passes on what an agent sends to that one receiver and does not read it; the agent's name is added as a header",
  },
  {
    id: "limit.foreign-key",
    title: "another account's API key, sent to the API",
    expected: "limit",
    rings: ["gateway"],
    variants: ["envoy-sni"],
    relayed: true,
    // The API's own request id proves that the API read the key, whether it accepted it or not.
    python: ({
      gatewayAddress,
    }) => `body = '{"model":"claude-sonnet-4-5","max_tokens":1,"messages":[]}'
    response = https_message("${gatewayAddress}", {"x-api-key": "sk-ant-api03-somebody-elses"}, body)
    if response.getheader("request-id") is None: raise OSError(f"status {response.status} of somebody on the way")
    return f"the API answered {response.status}"`,
    reason:
      "the gateway does not decrypt TLS, so an agent that has another account's key can upload to that account; use terminate, where only the gateway's key is sent",
  },
  {
    id: "limit.host-inside-tls",
    title: "an allowed server name with another Host inside TLS",
    expected: "limit",
    rings: ["gateway"],
    variants: ["envoy-sni"],
    relayed: true,
    python: ({ gatewayAddress }) => `s = tls("${gatewayAddress}", 443, "api.anthropic.com")
    s.sendall(b"GET / HTTP/1.1\\r\\nHost: unlisted.example\\r\\nConnection: close\\r\\n\\r\\n")
    return s.recv(100).decode(errors="replace").split("\\r\\n")[0]`,
    reason:
      "the gateway does not decrypt TLS, so it sees only the server name; the allowed host decides what to do with another Host",
  },
  {
    id: "limit.litellm-any-host",
    title: "LiteLLM itself, to an unlisted public address",
    expected: "limit",
    rings: ["gateway"],
    variants: ["litellm"],
    from: "litellm",
    arrives: { protocol: "tcp", address: "1.1.1.1", port: 443 },
    python: () => `return reached("1.1.1.1", 443)`,
    reason:
      "on path litellm, LiteLLM itself has access to the internet and no filter by name; use shim or hybrid, where Envoy filters",
  },
  {
    id: "limit.no-policies",
    title: "a pod that is not an agent's and has no policy, to public TCP 443",
    expected: "limit",
    rings: ["policy"],
    from: "visitor",
    arrives: { protocol: "tcp", address: "140.82.112.3", port: 443 },
    python: () => `return reached("140.82.112.3", 443)`,
    reason:
      "the firewall allows pods without policies (another namespace's, or after an administrator deleted the policies) public TCP 443, because the gateway needs it",
  },
  {
    id: "limit.ping-pods",
    title: "ICMP echo to another pod",
    expected: "limit",
    rings: ["policy"],
    python: ({ visitor }) => `return ping("${visitor.pod.v4}")`,
    reason:
      "NetworkPolicies are about ports; each policy controller decides whether to block ICMP between pods",
  },
];
