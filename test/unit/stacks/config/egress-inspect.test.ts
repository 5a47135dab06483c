import { rejects, type Mistake } from "./stack.ts";

rejects([
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
      ] as Mistake,
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
      ] as Mistake,
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
      ] as Mistake,
  ),
]);
