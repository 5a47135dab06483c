import { rejects } from "./stack.ts";

rejects([
  [
    "CIDR",
    { egress: { allow: ["10.0.0.0/8"] } },
    /^ {2}egress\.allow\[0\] = "10\.0\.0\.0\/8" is a CIDR/,
  ],
  ["IPv4", { egress: { allow: ["1.2.3.4"] } }, /is an IP address/],
  ["IPv6", { egress: { allow: ["2001:db8::1"] } }, /is an IP address/],
  ["wildcard", { egress: { allow: ["*.github.com"] } }, /is a wildcard/],
  [
    "URL",
    { egress: { allow: ["https://github.com/x"] } },
    /is a URL: write only the host name, "github\.com"$/,
  ],
  [
    "port",
    { egress: { allow: ["github.com:22"] } },
    /includes a port: only TCP 443 is opened; write "github\.com"$/,
  ],
  [
    "upper case",
    { egress: { allow: ["GitHub.com"] } },
    /has upper-case letters: write "github\.com"$/,
  ],
  ["trailing dot", { egress: { allow: ["github.com."] } }, /ends with a dot: write "github\.com"$/],
  ["a bare label", { egress: { allow: ["github"] } }, /is not a fully qualified host name/],
  [
    "a host twice",
    { egress: { allow: ["github.com", "github.com"] } },
    /^ {2}egress\.allow\[1\] = "github\.com" is listed twice/,
  ],
  [
    "a choice that is not one",
    { gateway: { path: "envoy" }, egress: { serverFetch: "ask" } },
    '  egress.serverFetch = "ask" is not one of allow, deny: pulumi config set --path egress.serverFetch allow|deny',
  ],
  [
    "server fetches denied on bare litellm",
    { egress: { serverFetch: "deny" } },
    '  egress.serverFetch = "deny" cannot be kept on path litellm, where no Envoy reads the requests: pulumi config set --path egress.serverFetch allow, or choose another path (shim, envoy in mode terminate, hybrid)',
  ],
  [
    "server fetches denied in mode sni",
    {
      gateway: { path: "envoy", mode: "sni" },
      credential: { kind: "apiKey", holder: "agent" },
      egress: { serverFetch: "deny" },
    },
    /^ {2}egress\.serverFetch = "deny" cannot be kept on path envoy in mode sni/,
  ],
  ["the upstream", { egress: { allow: ["api.anthropic.com"] } }, /is the gateway's own upstream/],
  [
    "the upstream of another provider",
    {
      gateway: { path: "envoy", provider: "bedrock", bedrock: { region: "us-east-1" } },
      credential: { kind: "bedrockKey", value: "key" },
      egress: { allow: ["github.com", "bedrock-runtime.us-east-1.amazonaws.com"] },
    },
    /^ {2}egress\.allow\[1\] = "bedrock-runtime\.us-east-1\.amazonaws\.com" is the gateway's own upstream/m,
  ],
  [
    "a cluster name",
    { egress: { allow: ["x.svc.cluster.local"] } },
    /is a name inside the cluster/,
  ],
  [
    "the metadata server",
    { egress: { allow: ["metadata.google.internal"] } },
    /is a name inside the cluster or the cloud's network/,
  ],
]);
