import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../../stacks/config.ts";

const KEY = "sk-ant-api03-not-a-real-key";
const OAUTH = "sk-ant-oat01-not-a-real-token";

const FEDERATED = {
  kind: "federated",
  federationRule: "fdrl_01AbC",
  organization: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
  serviceAccount: "svac_01AbC",
};
const GOOGLE = {
  kind: "google",
  audience:
    "//iam.googleapis.com/projects/12345/locations/global/workloadIdentityPools/agents/providers/k3s",
};

const VERTEX = { project: "my-project", region: "us-east5" };
const BEDROCK = { region: "us-east-1" };
const BEDROCK_KEY = { kind: "bedrockKey", value: "ABSK-planted" };

type Sections = Record<string, unknown>;

const gateway: Sections = {
  kind: "gateway",
  gateway: { path: "litellm" },
  credential: { kind: "apiKey", value: KEY },
  agents: [{ name: "dev-e" }],
  cluster: { kubeconfig: "/k" },
};
const spike: Sections = {
  kind: "spike",
  gateway: { path: "litellm" },
  credential: { kind: "apiKey", value: KEY },
  images: { runner: "r.example/claude:1" },
  cluster: { kubeconfig: "/k" },
};

function parse(sections: Sections, stack = "dev") {
  const entries = Object.entries(sections).map(([key, value]) => [
    `claude-gateway:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return parseConfig(stack, Object.fromEntries(entries) as Record<string, string>);
}

/** The lines of the message with which a configuration is rejected, without its headline. */
function refusal(sections: Sections, stack?: string): string[] {
  try {
    parse(sections, stack);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split("\n").slice(1);
  }
  return expect.fail("the configuration was accepted");
}

describe("a complete configuration", () => {
  test("gets every default of a gateway stack", () => {
    expect(parse(gateway)).toEqual({
      kind: "gateway",
      gateway: {
        path: "litellm",
        provider: "anthropic",
        namespace: "claude-gateway",
        drainSeconds: 900,
      },
      credential: { kind: "apiKey", holder: "gateway", value: KEY },
      agents: [{ name: "dev-e", tokenGeneration: 1 }],
      egress: { allow: [], inspect: [] },
      prices: {},
      telemetry: { scrape: { from: [] } },
      images: {},
      cluster: { kubeconfig: "/k" },
    });
  });

  test("gets every default of a spike", () => {
    expect(parse(spike)).toMatchObject({
      kind: "spike",
      gateway: { path: "litellm", drainSeconds: 900 },
      spike: { ttl: "24h" },
    });
  });

  test("may contain other projects' keys", () => {
    const entries = { "gcp:project": "p", "claude-gateway:kind": "nonsense" };
    expect(() => parseConfig("dev", entries)).toThrow(/^Stack "dev" has 1 mistake/);
  });
});

/** [the mistake, the change to a valid configuration, the expected line] */
const mistakes: [string, Sections, string | RegExp][] = [
  [
    "no kind",
    { kind: undefined },
    "  kind is not one of host, gateway, spike: pulumi config set --path kind host|gateway|spike",
  ],
  ["unknown kind", { kind: "gate" }, /^ {2}kind = "gate" is not one of host, gateway, spike/],
  [
    "unknown section",
    { gatway: {} },
    "  gatway is not a key of this configuration; remove it: pulumi config rm --path 'gatway'",
  ],
  [
    "unknown key",
    { gateway: { path: "litellm", port: 1 } },
    "  gateway.port = 1 is not a key of this configuration; remove it: pulumi config rm --path 'gateway.port'",
  ],
  [
    "unknown path",
    { gateway: { path: "nginx" } },
    '  gateway.path = "nginx" is not one of litellm, shim, envoy, hybrid: pulumi config set --path gateway.path litellm|shim|envoy|hybrid',
  ],
  [
    "a mode for a path without modes",
    { gateway: { path: "shim", mode: "sni" } },
    /^ {2}gateway\.mode = "sni" is not a key/,
  ],
  [
    "a section as text",
    { gateway: "litellm" },
    '  gateway = "litellm" is not an object: set each value in it by its path: pulumi config set --path gateway.<key> <value>',
  ],
  [
    "drain too short",
    { gateway: { path: "litellm", drainSeconds: 1 } },
    /^ {2}gateway\.drainSeconds = 1 is less than the 10 seconds/,
  ],
  [
    "drain as a duration",
    { gateway: { path: "litellm", drainSeconds: "15m" } },
    /^ {2}gateway\.drainSeconds = "15m" is not a number$/,
  ],
  [
    "drain in part of a second",
    { gateway: { path: "litellm", drainSeconds: 60.5 } },
    /^ {2}gateway\.drainSeconds = 60.5 is not a whole number$/,
  ],
  [
    "no gateway",
    { gateway: undefined },
    "  gateway is missing: pulumi config set --path gateway.path envoy",
  ],
  ["no agents", { agents: [] }, /^ {2}agents is empty: name at least one agent/],
  [
    "bad agent name",
    { agents: [{ name: "Dev_E" }] },
    /^ {2}agents\[0\]\.name = "Dev_E" is not a Kubernetes name/,
  ],
  ["a gap in the agents", { agents: [null, { name: "dev-e" }] }, /^ {2}agents\[0\] is not an? /],
  [
    "an agent twice",
    { agents: [{ name: "a" }, { name: "a" }] },
    /^ {2}agents\[1\]\.name = "a" is used twice/,
  ],
  [
    "an agent in the gateway's namespace",
    { agents: [{ name: "claude-gateway" }] },
    /^ {2}agents\[0\]\.name = "claude-gateway" is the namespace of the gateway/,
  ],
  [
    "an agent in kube-system",
    { agents: [{ name: "kube-system" }] },
    /is the namespace of Kubernetes itself/,
  ],
  [
    "no credential",
    { credential: undefined },
    /^ {2}credential is missing: .*pulumi config set --secret --path credential\.value$/,
  ],
  [
    "no credential value",
    { credential: { kind: "apiKey" } },
    "  credential.value is missing; set it with: pulumi config set --secret --path credential.value",
  ],
  [
    "an OAuth token as a key",
    { credential: { kind: "apiKey", value: OAUTH } },
    /^ {2}credential\.kind is apiKey but the value is an OAuth token/,
  ],
  [
    "a key as an OAuth token",
    { credential: { kind: "oauth", value: KEY } },
    /^ {2}credential\.kind is oauth but the value is not an OAuth token/,
  ],
  [
    "a key of another provider",
    { credential: { kind: "apiKey", value: "AIza-something" } },
    /^ {2}credential\.value is not an Anthropic API key/,
  ],
  [
    "a pasted line break",
    { credential: { kind: "apiKey", value: `${KEY}\n` } },
    /^ {2}credential\.value contains white space/,
  ],
  [
    "a holder that does not work with litellm",
    { credential: { kind: "apiKey", value: KEY, holder: "agent" } },
    /^ {2}credential\.holder may be agent only on path envoy in mode sni/,
  ],
  [
    "a holder that does not work with sni",
    { gateway: { path: "envoy", mode: "sni" } },
    /^ {2}credential\.holder must be agent on path envoy in mode sni/,
  ],
  [
    "an unknown provider",
    { gateway: { path: "envoy", provider: "azure" } },
    '  gateway.provider = "azure" is not one of anthropic, vertex, bedrock: pulumi config set --path gateway.provider anthropic|vertex|bedrock',
  ],
  [
    "another provider behind LiteLLM",
    { gateway: { path: "shim", provider: "vertex", vertex: VERTEX } },
    '  gateway.provider = "vertex" is vertex, which path shim does not offer, because LiteLLM would translate the requests: pulumi config rm --path gateway.provider, or choose path envoy in mode terminate',
  ],
  [
    "another provider where TLS passes through",
    {
      gateway: { path: "envoy", mode: "sni", provider: "bedrock", bedrock: BEDROCK },
      credential: { kind: "apiKey", holder: "agent" },
    },
    '  gateway.provider = "bedrock" is bedrock, which path envoy in mode sni does not offer, where the gateway passes TLS on to Anthropic\'s API: pulumi config rm --path gateway.provider, or choose path envoy in mode terminate',
  ],
  [
    "a provider without its settings",
    { gateway: { path: "envoy", provider: "vertex" }, credential: GOOGLE },
    "  gateway.vertex is missing, and Google's Vertex AI needs it: pulumi config set --path gateway.vertex.project <project> && pulumi config set --path gateway.vertex.region <region>",
  ],
  [
    "a provider with a part of its settings",
    {
      gateway: { path: "envoy", provider: "vertex", vertex: { region: "us-east5" } },
      credential: GOOGLE,
    },
    "  gateway.vertex.project is missing: pulumi config set --path 'gateway.vertex.project' <value>",
  ],
  [
    "a project's number",
    {
      gateway: { path: "envoy", provider: "vertex", vertex: { ...VERTEX, project: "12345" } },
      credential: GOOGLE,
    },
    /^ {2}gateway\.vertex\.project = "12345" is not the id of a Google Cloud project/,
  ],
  [
    "a region of another provider",
    {
      gateway: { path: "envoy", provider: "vertex", vertex: { ...VERTEX, region: "us-east-1" } },
      credential: GOOGLE,
    },
    /^ {2}gateway\.vertex\.region = "us-east-1" is not a region of Google Cloud/,
  ],
  [
    "a host instead of a region",
    {
      gateway: {
        path: "envoy",
        provider: "bedrock",
        bedrock: { region: "evil.example/us-east-1" },
      },
      credential: BEDROCK_KEY,
    },
    /^ {2}gateway\.bedrock\.region = "evil\.example\/us-east-1" is not a region of AWS/,
  ],
  [
    "settings of another provider",
    {
      gateway: { path: "envoy", provider: "bedrock", bedrock: BEDROCK, vertex: VERTEX },
      credential: BEDROCK_KEY,
    },
    "  gateway.vertex is for provider vertex, and gateway.provider is bedrock: remove it with pulumi config rm --path gateway.vertex, or choose that provider: pulumi config set --path gateway.provider vertex",
  ],
  [
    "settings of a provider, which is not chosen",
    { gateway: { path: "litellm", bedrock: BEDROCK } },
    "  gateway.bedrock is for provider bedrock, and gateway.provider is anthropic: remove it with pulumi config rm --path gateway.bedrock, or choose that provider: pulumi config set --path gateway.provider bedrock",
  ],
  [
    "routes of Anthropic's API with another provider",
    {
      gateway: { path: "envoy", provider: "bedrock", bedrock: BEDROCK, routes: ["models"] },
      credential: BEDROCK_KEY,
    },
    "  gateway.routes are routes of Anthropic's API, and gateway.provider is bedrock: remove them with pulumi config rm --path gateway.routes",
  ],
  [
    "a budget with Bedrock",
    {
      gateway: { path: "envoy", provider: "bedrock", bedrock: BEDROCK },
      credential: BEDROCK_KEY,
      budget: { usdPerDay: 5 },
    },
    "  budget cannot be kept with provider bedrock: Bedrock's streams are binary frames, whose tokens the gateway does not count. Remove it, or choose another provider: pulumi config rm --path gateway.provider",
  ],
  [
    "a key of Anthropic's for Vertex",
    { gateway: { path: "envoy", provider: "vertex", vertex: VERTEX } },
    "  credential.kind is apiKey, which is not for Google's Vertex AI; use google: pulumi config set --path credential.kind google, or choose its provider: pulumi config set --path gateway.provider anthropic",
  ],
  [
    "a key of Bedrock's for Vertex",
    { gateway: { path: "envoy", provider: "vertex", vertex: VERTEX }, credential: BEDROCK_KEY },
    /^ {2}credential\.kind is bedrockKey, which is not for Google's Vertex AI; use google: .*gateway\.provider bedrock$/,
  ],
  [
    "an unknown kind of credential",
    { credential: { kind: "password", value: KEY } },
    "  credential.kind is not one of apiKey, oauth, federated, google, bedrockKey: pulumi config set --path credential.kind apiKey|oauth|federated|google|bedrockKey",
  ],
  [
    "a credential without a kind",
    { credential: { value: KEY } },
    /^ {2}credential\.kind is not one of apiKey, oauth, federated, google, bedrockKey: /,
  ],
  [
    "a federated credential where LiteLLM holds it",
    { credential: FEDERATED },
    "  credential.kind is federated, which path litellm cannot carry; use apiKey or oauth: pulumi config set --path credential.kind apiKey|oauth, or choose another path (shim, envoy in mode terminate, hybrid)",
  ],
  [
    "a federated credential where the agent holds it",
    {
      gateway: { path: "envoy", mode: "sni" },
      credential: { ...FEDERATED, holder: "agent" },
    },
    "  credential.kind is federated, which path envoy in mode sni cannot carry; use apiKey or oauth: pulumi config set --path credential.kind apiKey|oauth, or choose another path (shim, envoy in mode terminate, hybrid)",
  ],
  [
    "a credential of Google for Anthropic's API",
    { gateway: { path: "envoy" }, credential: GOOGLE },
    "  credential.kind is google, which is not for Anthropic's API; use apiKey or oauth or federated: pulumi config set --path credential.kind apiKey|oauth|federated, or choose its provider: pulumi config set --path gateway.provider vertex",
  ],
  [
    "a key for Bedrock for Anthropic's API",
    { credential: BEDROCK_KEY },
    "  credential.kind is bedrockKey, which is not for Anthropic's API; use apiKey or oauth: pulumi config set --path credential.kind apiKey|oauth, or choose its provider: pulumi config set --path gateway.provider bedrock",
  ],
  [
    "a federated credential with a secret",
    { credential: { ...FEDERATED, value: KEY } },
    "  credential.value is not a key of this configuration; remove it: pulumi config rm --path 'credential.value'",
  ],
  [
    "a federated credential without its rule",
    { credential: { ...FEDERATED, federationRule: undefined } },
    "  credential.federationRule is missing: pulumi config set --path 'credential.federationRule' <value>",
  ],
  [
    "a federation rule of another form",
    { credential: { ...FEDERATED, federationRule: "svac_1" } },
    "  credential.federationRule is not the id of a federation rule (fdrl_…), which the Claude Console shows: pulumi config set --path credential.federationRule <id>",
  ],
  [
    "an organization of another form",
    { credential: { ...FEDERATED, organization: "my-team" } },
    "  credential.organization is not the id of an organization, a UUID, which the Claude Console shows: pulumi config set --path credential.organization <id>",
  ],
  [
    "a service account of another form",
    { credential: { ...FEDERATED, serviceAccount: "fdrl_1" } },
    "  credential.serviceAccount is not the id of a service account (svac_…), which the Claude Console shows: pulumi config set --path credential.serviceAccount <id>",
  ],
  [
    "a workspace of another form",
    { credential: { ...FEDERATED, workspace: "all" } },
    "  credential.workspace is not the id of a workspace (wrkspc_…) or `default`: pulumi config set --path credential.workspace default",
  ],
  [
    "an audience of another form",
    { credential: { ...GOOGLE, audience: "https://iam.googleapis.com/projects/1" } },
    "  credential.audience is not the full name of a workload identity provider (//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER): pulumi config set --path credential.audience <name>",
  ],
  [
    "a service account of Google of another form",
    { credential: { ...GOOGLE, impersonate: "someone@gmail.com" } },
    "  credential.impersonate is not the e-mail address of a service account (NAME@PROJECT.iam.gserviceaccount.com): pulumi config set --path credential.impersonate <address>",
  ],
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
  [
    "an inspected host in mode sni",
    {
      gateway: { path: "envoy", mode: "sni" },
      credential: { kind: "apiKey", holder: "agent" },
      egress: { inspect: [{ host: "x.org" }] },
    },
    "  egress.inspect is not possible on path envoy in mode sni: remove it with pulumi config rm --path egress.inspect, or choose another path (envoy in mode terminate, hybrid)",
  ],
  [
    "an inspected host on bare litellm",
    { egress: { inspect: [{ host: "x.org" }] } },
    /^ {2}egress\.inspect is not possible on path litellm/,
  ],
  [
    "a host that is inspected and passed on",
    { gateway: { path: "envoy" }, egress: { allow: ["x.org"], inspect: [{ host: "x.org" }] } },
    /^ {2}egress\.inspect\[0\]\.host = "x\.org" is in egress\.allow too/,
  ],
  [
    "an inspected host twice",
    { gateway: { path: "envoy" }, egress: { inspect: [{ host: "x.org" }, { host: "x.org" }] } },
    /^ {2}egress\.inspect\[1\]\.host = "x\.org" is listed twice/,
  ],
  [
    "the upstream, inspected",
    { gateway: { path: "envoy" }, egress: { inspect: [{ host: "api.anthropic.com" }] } },
    /^ {2}egress\.inspect\[0\]\.host = "api\.anthropic\.com" is the gateway's own upstream/,
  ],
  [
    "the upstream of another provider, inspected",
    {
      gateway: { path: "envoy", provider: "bedrock", bedrock: { region: "us-east-1" } },
      credential: { kind: "bedrockKey", value: "key" },
      egress: { inspect: [{ host: "bedrock-runtime.us-east-1.amazonaws.com" }] },
    },
    /^ {2}egress\.inspect\[0\]\.host = "bedrock.*" is the gateway's own upstream/,
  ],
  [
    "an inspected host that is none",
    { gateway: { path: "envoy" }, egress: { inspect: [{ host: "*.x.org" }] } },
    /^ {2}egress\.inspect\[0\]\.host = "\*\.x\.org" is a wildcard/,
  ],
  ...[
    ["without a slash", "a", /does not begin with a slash: write "\/a"$/],
    ["with a query", "/a?b=1", /has a query/],
    ["with two asterisks", "/*/b*", /has an asterisk that is not its last character/],
    ["with a dot segment", "/a/../b", /can be read in two ways/],
    ["with an encoded dot", "/a/%2e%2e/b", /can be read in two ways/],
    ["with an empty segment", "/a//b", /can be read in two ways/],
    ["with half an escape", "/a%2*", /can be read in two ways/],
    ["with a percent sign", "/a%25", /can be read in two ways/],
  ].map(
    ([what, path, message]) =>
      [
        `an inspected path ${String(what)}`,
        { gateway: { path: "envoy" }, egress: { inspect: [{ host: "x.org", paths: [path] }] } },
        message as RegExp,
      ] as [string, Record<string, unknown>, RegExp],
  ),
  [
    "more inspected hosts than Envoy's ConfigMap can have",
    {
      gateway: { path: "envoy" },
      egress: { inspect: Array.from({ length: 41 }, (_, index) => ({ host: `x${index}.org` })) },
    },
    /^ {2}egress\.inspect has more than 40 hosts: move/,
  ],
  [
    "no method of an inspected host",
    { gateway: { path: "envoy" }, egress: { inspect: [{ host: "x.org", methods: [] }] } },
    /^ {2}egress\.inspect\[0\]\.methods is empty/,
  ],
  [
    "a method that opens a tunnel",
    { gateway: { path: "envoy" }, egress: { inspect: [{ host: "x.org", methods: ["CONNECT"] }] } },
    /^ {2}egress\.inspect\[0\]\.methods\[0\] = "CONNECT" is not one of GET, HEAD/,
  ],
  ...[
    ["without a value", {}, /^ {2}egress\.inspect\[0\]\.credential\.value is missing/],
    [
      "with a line break",
      { value: "s3cr3t\n" },
      /^ {2}egress\.inspect\[0\]\.credential\.value is empty, or has/,
    ],
    [
      "of two kinds",
      { value: "s", user: "u", header: "x-api-key" },
      /credential\.header is set, and user too/,
    ],
    [
      "in a header of the request",
      { value: "s", header: "host" },
      /is a header that every request has/,
    ],
    ["in no header", { value: "s", header: "X Y" }, /is not the name of a header in lower case/],
    ["with a colon in the user", { value: "s", user: "a:b" }, /has a colon/],
  ].map(
    ([what, credential, message]) =>
      [
        `a host's credential ${what as string}`,
        { gateway: { path: "envoy" }, egress: { inspect: [{ host: "x.org", credential }] } },
        message as RegExp,
      ] as [string, Record<string, unknown>, RegExp],
  ),
  ...[
    [
      "of no known kind",
      { registry: "docker" },
      /\.registry = "docker" is not one of npm, pypi, cargo/,
    ],
    [
      "without a credential",
      { registry: "npm" },
      /\.credential is missing, and registry is set: .* egress\.allow/,
    ],
    [
      "with methods",
      { registry: "npm", methods: ["PUT"], credential: { value: "s" } },
      /\.methods .*is set, and registry too/,
    ],
    [
      "with paths",
      { registry: "npm", paths: ["/*"], credential: { value: "s" } },
      /\.paths .*is set, and registry too/,
    ],
    [
      "without a user",
      { registry: "maven", credential: { value: "s" } },
      /\.credential\.user is missing: a maven/,
    ],
    [
      "below an asterisk",
      { registry: "npm", base: "/a/*", credential: { value: "s" } },
      /\.base = "\/a\/\*" ends with \*/,
    ],
    [
      "below a dot segment",
      { registry: "npm", base: "/a/../b", credential: { value: "s" } },
      /\.base = .* can be read in two ways/,
    ],
    ["that is none", { base: "/a" }, /\.base = "\/a" is set without registry: use paths/],
  ].map(
    ([what, entry, message]) =>
      [
        `a registry ${what as string}`,
        {
          gateway: { path: "envoy" },
          egress: { inspect: [{ host: "x.org", ...(entry as object) }] },
        },
        message as RegExp,
      ] as [string, Record<string, unknown>, RegExp],
  ),
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
  [
    "an agent that may scrape",
    { telemetry: { scrape: { from: [{ namespace: "monitoring" }, { namespace: "dev-e" }] } } },
    "  telemetry.scrape.from[1].namespace is an agent's namespace, and agents must not see what others do: name the namespace of your Prometheus",
  ],
  [
    "a scraper without a namespace",
    { telemetry: { scrape: { from: [{ podLabels: { app: "prometheus" } }] } } },
    /^ {2}telemetry\.scrape\.from\[0\]\.namespace is missing/,
  ],
  [
    "a scraper with no labels",
    { telemetry: { scrape: { from: [{ namespace: "monitoring", podLabels: {} }] } } },
    /^ {2}telemetry\.scrape\.from\[0\]\.podLabels is empty: name a label, or remove the key$/,
  ],
  [
    "a scraper with a bad label",
    { telemetry: { scrape: { from: [{ namespace: "monitoring", podLabels: { app: "a b" } }] } } },
    /^ {2}telemetry\.scrape\.from\[0\]\.podLabels\.app is not the value of a Kubernetes label$/,
  ],
  [
    "OTLP on litellm",
    { telemetry: { otlp: { endpoint: "https://otlp.example.com" } } },
    "  telemetry.otlp needs a path on which Envoy sees the answers; on litellm it does not: pulumi config set --path gateway.path envoy, or pulumi config rm --path telemetry.otlp",
  ],
  ...(
    [
      ["no URL", "otlp.example.com:443", /is not a URL: write https/],
      ["a secret in the URL", "https://key:sk-x@otlp.example.com", /contains a credential: set it/],
      ["a query", "https://otlp.example.com/?api-key=x", /has a query or a fragment/],
      ["a path of one signal", "https://otlp.example.com/v1/logs", /ends with the path of one/],
      ["an odd path", "https://otlp.example.com/a%2Fb", /has other characters than A-Z/],
      ["http outside", "http://otlp.example.com", /is http to a host outside the cluster/],
      ["a port outside", "https://otlp.example.com:4318", /includes a port: only TCP 443/],
      ["an address", "https://192.0.2.1", /has a host that is an IP address/],
      ["another name inside", "http://otlp.internal:4318", /is a name inside the cluster or/],
      ["a short name", "http://otel.monitoring.svc:4318", /is a name inside the cluster or/],
      ["a Service by TLS", "https://otel.a.svc.cluster.local:4318", /is a Service in the cluster/],
      ["a Service without port", "http://otel.a.svc.cluster.local", /has no port: write https/],
    ] as const
  ).map(([mistake, endpoint, line]): [string, Sections, RegExp] => [
    `an OTLP endpoint with ${mistake}`,
    { gateway: { path: "envoy" }, telemetry: { otlp: { endpoint } } },
    new RegExp(`^ {2}telemetry\\.otlp\\.endpoint ${line.source}`),
  ]),
  [
    "an OTLP header in upper case",
    {
      gateway: { path: "envoy" },
      telemetry: { otlp: { endpoint: "https://a.example.com", headers: { "X-Key": "k" } } },
    },
    /^ {2}telemetry\.otlp\.headers\.X-Key is not the name of a header in lower case$/,
  ],
  [
    "an OTLP header that the gateway sets",
    {
      gateway: { path: "envoy" },
      telemetry: { otlp: { endpoint: "https://a.example.com", headers: { host: "b" } } },
    },
    /^ {2}telemetry\.otlp\.headers\.host is a header that the gateway sets itself$/,
  ],
  [
    "a floating LiteLLM",
    { images: { litellm: "ghcr.io/berriai/litellm:main-stable" } },
    /^ {2}images\.litellm = .* has no exact release: name one/,
  ],
  [
    "an adapter-only LiteLLM",
    { images: { litellm: "ghcr.io/berriai/litellm:main-v1.52.0-stable" } },
    /has no \/anthropic\/\{endpoint\} passthrough/,
  ],
  [
    "a wrapping LiteLLM, bare",
    { images: { litellm: "ghcr.io/berriai/litellm:v1.91.0" } },
    /wraps upstream errors .* use path shim/,
  ],
  [
    "a leaking LiteLLM, bare",
    { images: { litellm: "ghcr.io/berriai/litellm:v1.102.4" } },
    /forwards the agent's own token/,
  ],
  [
    "a LiteLLM of unknown release",
    { images: { litellm: `ghcr.io/berriai/litellm@sha256:${"a".repeat(64)}` } },
    /does not say which release it is/,
  ],
  [
    "a floating Envoy",
    { images: { envoy: "envoyproxy/envoy:latest" } },
    /^ {2}images\.envoy = .* has no exact tag or digest/,
  ],
  [
    "no image reference",
    { images: { node: "not an image" } },
    /^ {2}images\.node = "not an image" is not an image reference/,
  ],
  ["no cluster", { cluster: undefined }, /^ {2}cluster is missing, and so is host/],
  [
    "two clusters",
    { host: { stack: "host" } },
    /^ {2}cluster and host are both set: keep only one/,
  ],
  [
    "a bad host stack",
    { cluster: undefined, host: { stack: "a/b/c/d" } },
    /^ {2}host\.stack = "a\/b\/c\/d" is not a stack name/,
  ],
  [
    "a budget as text",
    { gateway: { path: "envoy" }, agents: [{ name: "dev-e", budget: { usdPerDay: "$5" } }] },
    '  agents[0].budget.usdPerDay = "$5" is not an amount in US dollars: write a plain number, for example 5 or 0.05',
  ],
  [
    "a negative budget",
    { gateway: { path: "envoy" }, budget: { usdPer30Days: -5 } },
    "  budget.usdPer30Days = -5 is not above 0: remove the agent instead if it may spend nothing",
  ],
  [
    "an absurd budget",
    { gateway: { path: "envoy" }, budget: { usdPerDay: "1000000" } },
    '  budget.usdPerDay = "1000000" is more than 42949 US dollars, the most that can be counted: write a smaller amount',
  ],
  [
    "a budget of an agent without an amount",
    { gateway: { path: "envoy" }, agents: [{ name: "dev-e", budget: {} }] },
    "  agents[0].budget has no amount: set usdPerDay, usdPer30Days or both, for example pulumi config set --path 'agents[0].budget.usdPerDay' 5",
  ],
  [
    "a budget as a number",
    { gateway: { path: "envoy" }, agents: [{ name: "dev-e", budget: 5 }] },
    /^ {2}agents\[0\]\.budget = 5 is not an object: set each value in it by its path/,
  ],
  [
    "an empty common budget",
    { gateway: { path: "envoy" }, budget: {} },
    "  budget has no amount: set usdPerDay, usdPer30Days or both: pulumi config set --path budget.usdPerDay 50",
  ],
  [
    "onFailure without an amount",
    { gateway: { path: "envoy" }, budget: { onFailure: "allow" } },
    "  budget has onFailure, but neither it nor an agent has an amount: set usdPerDay, usdPer30Days or both: pulumi config set --path budget.usdPerDay 50",
  ],
  [
    "an unknown onFailure",
    { gateway: { path: "envoy" }, budget: { usdPerDay: 5, onFailure: "ignore" } },
    '  budget.onFailure = "ignore" is not one of refuse, allow: pulumi config set --path budget.onFailure refuse|allow',
  ],
  [
    "onFailure of one agent",
    {
      gateway: { path: "envoy" },
      agents: [{ name: "dev-e", budget: { usdPerDay: 5, onFailure: "allow" } }],
    },
    /^ {2}agents\[0\]\.budget\.onFailure = "allow" is not a key of this configuration; remove it/,
  ],
  [
    "an agent that may have no request",
    { agents: [{ name: "dev-e", maxRequests: 0 }] },
    /^ {2}agents\[0\]\.maxRequests = 0 is less than 1: to shut an agent out, remove it from agents/,
  ],
  [
    "an agent that may have more requests than the gateway serves",
    { agents: [{ name: "dev-e", maxRequests: 3073 }] },
    /^ {2}agents\[0\]\.maxRequests = 3073 is more than 3072, which the gateway serves at a time/,
  ],
  [
    "a limit of requests on bare litellm",
    { agents: [{ name: "dev-f" }, { name: "dev-e", maxRequests: 10 }] },
    "  agents[1].maxRequests = 10 cannot be kept on path litellm, where no Envoy sees the agents' requests: remove it, or choose another path: pulumi config set --path gateway.path shim|envoy|hybrid",
  ],
  [
    "a budget on bare litellm",
    { budget: { usdPerDay: 5 } },
    "  budget cannot be kept on path litellm, where the gateway does not see what a request costs: remove it, or choose another path: pulumi config set --path gateway.path shim|envoy|hybrid",
  ],
  [
    "an agent's budget on bare litellm",
    { agents: [{ name: "dev-f" }, { name: "dev-e", budget: { usdPerDay: 5 } }] },
    /^ {2}agents\[1\]\.budget cannot be kept on path litellm, where/,
  ],
  [
    "a budget in mode sni",
    {
      gateway: { path: "envoy", mode: "sni" },
      credential: { kind: "apiKey", holder: "agent" },
      budget: { usdPerDay: 5 },
    },
    "  budget cannot be kept on path envoy in mode sni, where the gateway does not see what a request costs: remove it, or choose another path or mode: pulumi config set --path gateway.path shim|hybrid, or pulumi config set --path gateway.mode terminate",
  ],
  [
    "an agent with the name of all, and a budget",
    { gateway: { path: "shim" }, agents: [{ name: "all" }], budget: { usdPerDay: 5 } },
    '  agents[0].name = "all" is what budgets call all agents together: choose another name, or remove the budgets',
  ],
];

describe("a gateway stack is rejected for", () => {
  test.each(mistakes)("%s", (_, change, line) => {
    const lines = refusal({ ...gateway, ...change });
    const told = lines.filter((text) => /^ {2}\S/.test(text));
    expect(told).toHaveLength(1);
    expect(told[0]).toEqual(typeof line === "string" ? line : expect.stringMatching(line));
  });
});

describe("budgets", () => {
  const paths = [{ path: "shim" }, { path: "envoy" }, { path: "hybrid" }];
  test.each(paths)("are accepted on path $path, as text too", ({ path }) => {
    const agents = [{ name: "dev-e", budget: { usdPerDay: "0.05" } }, { name: "dev-f" }];
    // An agent may have more than all together: then the common budget is reached first.
    const budget = { usdPerDay: "0.01", usdPer30Days: 100, onFailure: "allow" };
    expect(parse({ ...gateway, gateway: { path }, agents, budget })).toMatchObject({
      agents: [
        { name: "dev-e", budget: { usdPerDay: 0.05 } },
        { name: "dev-f", tokenGeneration: 1 },
      ],
      budget: { usdPerDay: 0.01, usdPer30Days: 100, onFailure: "allow" },
    });
  });

  test("onFailure alone is for the budgets of agents", () => {
    const agents = [{ name: "dev-e", budget: { usdPerDay: 5 } }];
    const budget = { onFailure: "allow" };
    expect(parse({ ...gateway, gateway: { path: "envoy" }, agents, budget })).toMatchObject({
      budget,
    });
  });

  test("an agent may have the name of all where nobody has a budget", () => {
    const agents = [{ name: "all" }];
    expect(parse({ ...gateway, agents })).toMatchObject({ agents });
  });

  test("a spike may have the common one", () => {
    const budget = { usdPerDay: 5 };
    expect(parse({ ...spike, gateway: { path: "envoy" }, budget })).toMatchObject({ budget });
    expect(refusal({ ...spike, budget })).toEqual([
      expect.stringMatching(/^ {2}budget cannot be kept on path litellm, where/),
    ]);
  });
});

describe("a spike", () => {
  test.each([
    ["without a runner image", { images: {} }, "docker build --platform"],
    [
      "with a bad time to live",
      { spike: { ttl: "1 day" } },
      'spike.ttl = "1 day" is not a duration',
    ],
    ["with agents of its own", { agents: [{ name: "a" }] }, "agents is not a key"],
    [
      "with a namespace of its own",
      { gateway: { path: "litellm", namespace: "x" } },
      "gateway.namespace",
    ],
  ] as [string, Sections, string][])("is rejected %s", (_, change, text) => {
    expect(refusal({ ...spike, ...change }).join("\n")).toContain(text);
  });

  test("is rejected if its stack name cannot be part of a namespace's name", () => {
    expect(refusal(spike, "my_spike").join("\n")).toContain("pulumi stack rename");
    expect(refusal(spike, "x".repeat(60)).join("\n")).toContain("longer than 55");
  });

  test("may use a floating LiteLLM tag", () => {
    const images = { runner: "r.example/claude:1", litellm: "ghcr.io/berriai/litellm:main-stable" };
    expect(parse({ ...spike, images })).toMatchObject({ images });
  });
});

describe("LiteLLM releases behind the shim", () => {
  test.each(["v1.91.0", "v1.102.4", "main-v1.61.20-stable"])("%s is accepted", (tag) => {
    const images = { litellm: `ghcr.io/berriai/litellm:${tag}` };
    expect(parse({ ...gateway, gateway: { path: "shim" }, images })).toMatchObject({ images });
  });

  test("an OAuth credential needs a release that merges the beta header", () => {
    const credential = { kind: "oauth", value: OAUTH };
    const images = { litellm: "ghcr.io/berriai/litellm:v1.108.0" };
    expect(refusal({ ...gateway, credential, images })[0]).toContain("(fixed by 1.109.0)");
    expect(parse({ ...gateway, credential })).toMatchObject({ credential });
    // Behind Envoy, LiteLLM does not have the token, and Envoy adds the header.
    const shim = { path: "shim" };
    expect(parse({ ...gateway, gateway: shim, credential, images })).toMatchObject({ credential });
  });
});

test("all mistakes are reported at once", () => {
  const lines = refusal({
    kind: "gateway",
    gateway: { path: "litellm", drainSeconds: "x", typo: true },
    agents: [{ name: "A" }],
    egress: { allow: ["1.1.1.1", "*.x.org"] },
    images: { litellm: "litellm:latest" },
    credential: { kind: "apiKey", value: OAUTH },
  });
  expect(
    lines.filter((line) => /^ {2}\S/.test(line)).map((line) => line.trim().split(" ")[0]),
  ).toEqual([
    "gateway.drainSeconds",
    "gateway.typo",
    "agents[0].name",
    "egress.allow[0]",
    "egress.allow[1]",
    "cluster",
    "credential.kind",
    "images.litellm",
  ]);
});

test("no message shows a secret, wherever it is in the configuration", () => {
  const everywhere = [
    { credential: { kind: KEY, value: KEY, holder: KEY, extra: KEY } },
    { gateway: { path: KEY } },
    { images: { node: `${KEY} ${KEY}` } },
    { agents: [{ name: KEY.toUpperCase() }, { name: `${KEY}_` }] },
    { [`x`]: KEY },
  ];
  for (const change of everywhere) {
    expect(
      refusal({ ...gateway, ...change })
        .join("\n")
        .toLowerCase(),
    ).not.toContain("not-a-real");
  }
});

test("no message shows the password of a registry", () => {
  const lines = refusal({
    kind: "host",
    gcp: undefined,
    host: { pullCredentials: [{ registry: "ghcr.io", username: "u", password: 123456 }] },
  }).join("\n");
  expect(lines).toContain("host.pullCredentials[0].password is not a string");
  expect(lines).not.toContain("123456");
});
