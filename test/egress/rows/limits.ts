import type { Attempt } from "../attempt.ts";

/** What the rings do not hold, counted apart. */
export const limits: readonly Attempt[] = [
  {
    id: "limit.host-inside-tls",
    title: "an allowed server name, and another Host inside TLS",
    expected: "limit",
    rings: ["gateway"],
    variants: ["envoy-sni"],
    relayed: true,
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
  {
    id: "limit.no-policies",
    title: "a pod that is no agent, under no policy, to public TCP 443",
    expected: "limit",
    rings: ["policy"],
    from: "visitor",
    arrives: { protocol: "tcp", address: "140.82.112.3", port: 443 },
    python: () => `return reached("140.82.112.3", 443)`,
    reason:
      "without policies (deleted by an administrator, or another namespace's) the firewall leaves pods public 443, which the gateway needs",
  },
  {
    id: "limit.ping-pods",
    title: "ICMP echo to another pod",
    expected: "limit",
    rings: ["policy"],
    python: ({ visitor }) => `return ping("${visitor.pod.v4}")`,
    reason:
      "NetworkPolicies speak of ports, and whether a controller holds ICMP between pods is up to it",
  },
];
