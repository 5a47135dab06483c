import { ports } from "../../../../components/kubernetes/ports.ts";
import { variants } from "../../../../components/gateway/paths/index.ts";
import { isMetered } from "../../../../components/gateway/paths/variant.ts";
import type { Attempt } from "../attempt.ts";
import { allowedFetches } from "./server-fetch.ts";

/** What the rings do not block, counted separately. */
export const limits: readonly Attempt[] = [
  ...allowedFetches,
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
