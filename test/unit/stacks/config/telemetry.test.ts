import { rejects, type Mistake } from "./stack.ts";

rejects([
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
  ).map(([mistake, endpoint, line]): Mistake => [
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
]);
