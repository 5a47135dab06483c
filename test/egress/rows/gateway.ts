import { ports } from "../../../components/gateway/envoy/ports.ts";
import type { GatewayVariant } from "../../../components/gateway/variant.ts";
import type { Attempt } from "../attempt.ts";

const http: GatewayVariant[] = ["litellm", "shim", "envoy-terminate", "hybrid"];
const sni: GatewayVariant[] = ["envoy-sni", "hybrid"];

const refused = (
  id: string,
  title: string,
  variants: readonly GatewayVariant[],
  python: Attempt["python"],
): Attempt => ({
  id,
  title,
  expected: "refused by the gateway",
  rings: ["gateway"],
  variants,
  python,
});

/** What the rings do not hold, counted apart. */
const limits: readonly Attempt[] = [
  {
    id: "limit.host-inside-tls",
    title: "an allowed server name, and another Host inside TLS",
    expected: "limit",
    rings: ["gateway"],
    variants: ["envoy-sni"],
    python: ({ gatewayAddress }) => `s = tls("${gatewayAddress}", 443, "api.anthropic.com")
    s.sendall(b"GET / HTTP/1.1\\r\\nHost: unlisted.example\\r\\nConnection: close\\r\\n\\r\\n")
    return s.recv(100).decode(errors="replace").split("\\r\\n")[0]`,
    reason:
      "TLS is untouched, so the gateway sees the server name alone: what the allowed host does with another Host is up to it",
  },
  {
    id: "limit.litellm-any-host",
    title: "LiteLLM itself, to a public address that nobody listed",
    expected: "limit",
    rings: ["gateway"],
    variants: ["litellm"],
    from: "litellm",
    arrives: { protocol: "tcp", address: "1.1.1.1", port: 443 },
    python: () => `return reached("1.1.1.1", 443)`,
    reason:
      "bare LiteLLM has the way out itself and no filter by name: use shim or hybrid, where Envoy has it",
  },
];

const MESSAGE = `'{"model":"m","max_tokens":1,"messages":[]}'`;
const TOKEN = `{"Authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]}`;

/** What the gateway itself does not let through. */
export const gateway: readonly Attempt[] = [
  ...limits,
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
  ...["unlisted.example", "unlisted.example.", "api.anthropic.com.evil.example", ""].map((name) =>
    refused(
      `sni.${name === "" ? "none" : name}`,
      `TLS with ${name === "" ? "no server name" : `the server name ${name}`}`,
      sni,
      ({ gatewayAddress }) =>
        `tls("${gatewayAddress}", 443, ${name === "" ? "None" : `"${name}"`}); return "TLS"`,
    ),
  ),
];
