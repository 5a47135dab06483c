import { BEDROCK_KEY, GOOGLE, VERTEX, rejects } from "./stack.ts";

const BEDROCK = { region: "us-east-1" };

rejects([
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
]);
