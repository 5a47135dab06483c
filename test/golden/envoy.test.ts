import { expect, test } from "vitest";
import { inspectedHosts } from "../../components/egress/inspected.ts";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { renderEnvoyConfig, renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { envoySni } from "../../components/gateway/paths/envoy-sni.ts";
import { envoyTerminate } from "../../components/gateway/paths/envoy-terminate.ts";
import { hybrid } from "../../components/gateway/paths/hybrid.ts";
import { onProvider, servesHttp } from "../../components/gateway/paths/variant.ts";
import { bedrock } from "../../components/gateway/providers/bedrock.ts";
import { vertex } from "../../components/gateway/providers/vertex.ts";
import { shim } from "../../components/gateway/paths/shim.ts";

const litellmHost = "litellm.claude-gateway.svc.cluster.local";

const paths: Record<string, EnvoyConfigArgs> = {
  "envoy-terminate": { variant: envoyTerminate, credentialKind: "apiKey", record: true },
  "envoy-terminate-oauth": {
    variant: envoyTerminate,
    credentialKind: "oauth",
    routes: ["hello", "models"],
  },
  "envoy-terminate-budgets": {
    variant: envoyTerminate,
    credentialKind: "apiKey",
    budgets: {
      host: "ratelimit.claude-gateway.svc.cluster.local",
      limits: { all: { usdPerDay: 20 }, agents: { "dev-e": { usdPerDay: 5, usdPer30Days: 60 } } },
      onFailure: "refuse",
    },
  },
  "envoy-terminate-otlp": {
    variant: envoyTerminate,
    credentialKind: "apiKey",
    otlp: {
      host: "otlp.example.com",
      port: 443,
      path: "/base",
      headerNames: ["authorization"],
    },
  },
  "envoy-terminate-vertex": {
    variant: onProvider(envoyTerminate, vertex, { project: "my-project", region: "us-east5" }),
    credentialKind: "google",
  },
  "envoy-terminate-bedrock": {
    variant: onProvider(envoyTerminate, bedrock, { region: "us-east-1" }),
    credentialKind: "bedrockKey",
  },
  "envoy-terminate-federated": { variant: envoyTerminate, credentialKind: "federated" },
  "envoy-terminate-allow": {
    variant: envoyTerminate,
    credentialKind: "apiKey",
    allowHosts: ["github.com", "npm.pkg.github.com"],
  },
  "envoy-terminate-inspect": {
    variant: envoyTerminate,
    credentialKind: "apiKey",
    allowHosts: ["github.com"],
    inspect: inspectedHosts([
      { host: "registry.example.com", methods: ["GET", "HEAD"], paths: ["/*"] },
      {
        host: "packages.example.com",
        methods: ["GET", "PUT"],
        paths: ["/npm/@scope%2fname", "/npm/*"],
        credential: { user: "ci" },
      },
    ]),
  },
  shim: { variant: shim, credentialKind: "apiKey", litellmHost },
  hybrid: {
    variant: hybrid,
    credentialKind: "oauth",
    litellmHost,
    allowHosts: ["github.com", "npm.pkg.github.com"],
  },
  "envoy-sni": { variant: envoySni, allowHosts: ["github.com"] },
};

const files = Object.entries(paths).flatMap(([name, args]) => {
  const secrets = !servesHttp(args.variant)
    ? {}
    : renderEnvoySecrets(args, {
        agents: [{ name: "dev-e", tokens: ["planted-agent-token"] }],
        credential: "planted-credential",
        litellm: { token: "planted-internal-token", placeholder: "sk-ant-placeholder-planted" },
        otlpHeaders: { authorization: "planted-header" },
        hostCredentials: { "packages.example.com": "planted-host-credential" },
      });
  return Object.entries({ ...renderEnvoyConfig(args), ...secrets }).map(([file, text]) => ({
    file: `${name}/${file}`,
    text,
  }));
});

test.each(files)(
  "$file equals its golden file (update: `vitest run --project unit -u`)",
  async ({ file, text }) => {
    await expect(text).toMatchFileSnapshot(`./envoy/${file}`);
  },
);
