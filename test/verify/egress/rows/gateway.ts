import { agentConnections } from "../../../../components/kubernetes/agent-connections.ts";
import { ports } from "../../../../components/kubernetes/ports.ts";
import { UPSTREAM_HOST } from "../../../../components/gateway/api/upstream.ts";
import { type VariantName, variants } from "../../../../components/gateway/paths/index.ts";
import { servesHttp, type Variant } from "../../../../components/gateway/paths/variant.ts";
import { INTERNET_HOSTS } from "../../../lab/cluster/network.ts";
import type { Attempt } from "../attempt.ts";

const http = variants.filter(servesHttp).map(({ name }) => name);
const sni = variants
  .filter(({ listeners }: Variant) => listeners.includes("sni"))
  .map(({ name }) => name);
/** Where TLS is passed on by name, but not to the API itself. */
const beside = sni.filter((name) => http.includes(name));

const refused = (
  id: string,
  title: string,
  variants: readonly VariantName[],
  python: Attempt["python"],
): Attempt => ({
  id,
  title,
  expected: "refused by the gateway",
  rings: ["gateway"],
  variants,
  python,
});

/** Where the lab's stacks with `telemetry.otlp` send to. */
const RECEIVER = INTERNET_HOSTS["otlp.example.com"] ?? "";

const MESSAGE = `'{"model":"m","max_tokens":1,"messages":[]}'`;
const TOKEN = `{"Authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]}`;
const REDIRECT_MARK = "redirect me to the metadata server";
const REDIRECTED = JSON.stringify({
  model: "claude-sonnet-4-5",
  max_tokens: 1,
  messages: [{ role: "user", content: REDIRECT_MARK }],
});

/** What the gateway itself must refuse. */
export const gateway: readonly Attempt[] = [
  refused(
    "token.none",
    "a message without a token",
    http,
    ({ gatewayAddress }) =>
      `return expect_ok(http_status("${gatewayAddress}", ${ports.agents}, "POST", "/anthropic/v1/messages", {}, ${MESSAGE}))`,
  ),
  refused(
    "token.wrong",
    "a message with a wrong token",
    http,
    ({ gatewayAddress }) =>
      `return expect_ok(http_status("${gatewayAddress}", ${ports.agents}, "POST", "/anthropic/v1/messages", {"x-api-key": "cgw-wrong"}, ${MESSAGE}))`,
  ),
  ...[
    "/v1/chat/completions",
    "/anthropic/v1/files",
    "/openai/v1/models",
    "/key/generate",
    "/anthropic/../key/generate",
  ].map((path) =>
    refused(
      `route.${path}`,
      `the route ${path}`,
      http,
      ({ gatewayAddress }) =>
        `return expect_ok(http_status("${gatewayAddress}", ${ports.agents}, "GET", "${path}", ${TOKEN}))`,
    ),
  ),
  refused(
    "proxy.connect",
    "CONNECT to an unlisted host",
    http,
    ({ gatewayAddress }) => `s = tcp("${gatewayAddress}", ${ports.agents})
    s.sendall(b"CONNECT unlisted.example:443 HTTP/1.1\\r\\nHost: unlisted.example:443\\r\\n\\r\\n")
    line = s.recv(200).decode(errors="replace").split("\\r\\n")[0]
    if " 200" not in line: raise OSError(line or "closed")
    return line`,
  ),
  refused(
    "proxy.absolute",
    "an absolute URL of an unlisted host",
    http,
    ({ gatewayAddress }) =>
      `return expect_ok(http_status("${gatewayAddress}", ${ports.agents}, "GET", "http://unlisted.example/", ${TOKEN}, host="unlisted.example"))`,
  ),
  refused(
    "proxy.gateway",
    "HTTPS_PROXY and ALL_PROXY set to the gateway",
    http,
    ({ gatewayAddress }) => `proxy = "http://${gatewayAddress}:${ports.agents}"
    return curl("https://unlisted.example/", env={"HTTPS_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": ""})`,
  ),
  {
    ...refused(
      "metadata.redirect",
      "a redirect from the upstream to the metadata server, followed by gateway or agent",
      http,
      ({
        gatewayAddress,
      }) => `response = http_status("${gatewayAddress}", ${ports.agents}, "POST", "/anthropic/v1/messages", {**${TOKEN}, "content-type": "application/json"}, ${JSON.stringify(REDIRECTED)})
    location = response.getheader("location")
    if location is None: return expect_ok(response)
    port = urllib.parse.urlsplit(location).port or 80
    return expect_ok(http_status(urllib.parse.urlsplit(location).hostname, port, "GET", "/", {"Metadata-Flavor": "Google"}))`,
    ),
    expected: "blocked",
    rings: ["policy", "firewall"],
    arrives: { protocol: "tcp", address: "169.254.169.254", port: 80 },
    relayed: true,
    upstream: (control) =>
      control.push({
        match: { bodyContains: REDIRECT_MARK },
        action: {
          kind: "raw",
          status: 307,
          headers: [["location", "http://169.254.169.254/computeMetadata/v1/"]],
        },
      }),
  },
  {
    id: "receiver.direct",
    title: "the address of an OTLP receiver, without the gateway",
    expected: "blocked",
    rings: ["policy"],
    // The gateway itself may connect there at any time, so only what the agent sees counts.
    python: () => `return reached("${RECEIVER}", 443)`,
  },
  {
    id: "connections",
    title: `more than ${agentConnections.perAddress} connections to the gateway at a time`,
    expected: "blocked",
    rings: ["firewall"],
    alone: true,
    variants: ["shim", "envoy-terminate", "envoy-sni", "hybrid"],
    // An earlier refusal would also be an error: the agent would have too few connections. Patience for packets that a busy
    // machine loses: the kernel sends a SYN again after 1, 3 and 7 s.
    python: ({ gatewayAddress, variant }) => `held = []
    for count in range(${agentConnections.perAddress} + 1):
        try: held.append(tcp("${gatewayAddress}", ${variant === "envoy-sni" ? ports.https : ports.agents}, seconds=10))
        except OSError as error:
            if not isinstance(error, ConnectionRefusedError): return f"{error} instead of a refusal"
            if count < ${agentConnections.perAddress} / 2: return f"refused after {count} only"
            raise ConnectionRefusedError(f"after {count} connections")
    return f"{len(held)} connections"`,
  },
  ...["unlisted.example", "unlisted.example.", "api.anthropic.com.evil.example", ""].map((name) =>
    refused(
      `sni.${name === "" ? "none" : name}`,
      `TLS with ${name === "" ? "no server name" : `the server name ${name}`}`,
      sni,
      ({ gatewayAddress }) =>
        `tls("${gatewayAddress}", 443, ${name === "" ? "None" : `"${name}"`}); return "TLS"`,
    ),
  ),
  refused(
    "sni.upstream",
    "TLS with the API's own server name, where another account's key could be sent",
    beside,
    ({ gatewayAddress }) => `tls("${gatewayAddress}", 443, "${UPSTREAM_HOST}"); return "TLS"`,
  ),
];
