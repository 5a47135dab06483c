import { join } from "node:path";
import type { EnvoyConfigArgs, EnvoySecrets } from "../../components/gateway/envoy/args.ts";
import type { BudgetsArgs } from "../../components/gateway/envoy/budgets.ts";
import { renderEnvoyConfig, renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { onProvider, servesHttp } from "../../components/gateway/paths/variant.ts";
import { bedrock as bedrockProvider } from "../../components/gateway/providers/bedrock.ts";
import { vertex as vertexProvider } from "../../components/gateway/providers/vertex.ts";
import { collectorOf } from "../../components/usage/telemetry/collector.ts";
import { labCa } from "../lab/parts/ca.ts";
import { issueCertificate, type KeyPair } from "../lab/parts/certificates.ts";
import { part } from "../lab/parts/store.ts";
import { envoySni } from "../../components/gateway/paths/envoy-sni.ts";
import { envoyTerminate } from "../../components/gateway/paths/envoy-terminate.ts";
import { hybrid } from "../../components/gateway/paths/hybrid.ts";
import { shim as shimVariant } from "../../components/gateway/paths/shim.ts";

export const TOKEN_A = "agent-a-token-0123456789";
export const TOKEN_B = "agent-b-token-0123456789";
export const REAL_KEY = "sk-ant-api03-real-key";
export const OAUTH_TOKEN = "sk-ant-oat01-real-token";
/** The beta with which the API takes an OAuth token. */
export const OAUTH_BETA = "oauth-2025-04-20";
export const INTERNAL_TOKEN = "sk-between-envoy-and-litellm";
export const PLACEHOLDER = "sk-ant-placeholder-0123456789";

export const terminate: EnvoyConfigArgs = { variant: envoyTerminate, credentialKind: "apiKey" };

/** Path `envoy` on Google's Vertex AI. */
export const vertex: EnvoyConfigArgs = {
  variant: onProvider(envoyTerminate, vertexProvider, {
    project: "lab-project",
    region: "us-east5",
  }),
  credentialKind: "google",
};

/** Path `envoy` on Amazon Bedrock. */
export const bedrock: EnvoyConfigArgs = {
  variant: onProvider(envoyTerminate, bedrockProvider, { region: "us-east-1" }),
  credentialKind: "bedrockKey",
};

export const shim: EnvoyConfigArgs = {
  variant: shimVariant,
  credentialKind: "apiKey",
  litellmHost: "litellm.claude-gateway.svc.cluster.local",
};

const budgets: BudgetsArgs = {
  host: "ratelimit.claude-gateway.svc.cluster.local",
  limits: { all: { usdPerDay: 20 }, agents: { "dev-e": { usdPerDay: 5, usdPer30Days: 60 } } },
  onFailure: "refuse",
};

/** Envoy's arguments for each path that uses Envoy. */
export const everyPath: readonly EnvoyConfigArgs[] = [
  terminate,
  { ...terminate, credentialKind: "oauth", routes: ["hello", "models"] },
  { ...terminate, credentialKind: "federated" },
  { ...terminate, budgets },
  { ...terminate, allowHosts: ["github.com"] },
  {
    ...terminate,
    otlp: {
      ...collectorOf("http://collector.observability.svc.cluster.local:4318"),
      headerNames: ["x-api-key"],
    },
  },
  { ...vertex, budgets },
  bedrock,
  shim,
  {
    ...shim,
    credentialKind: "oauth",
    budgets: { ...budgets, onFailure: "allow" },
    record: true,
  },
  { ...shim, credentialKind: "google" },
  { ...shim, variant: hybrid, allowHosts: ["npm.pkg.github.com", "github.com"] },
  { variant: envoySni, allowHosts: ["github.com"] },
];

export const secrets: EnvoySecrets = {
  agents: [
    { name: "dev-e", tokens: [TOKEN_A] },
    { name: "dev-f", tokens: [TOKEN_B] },
  ],
  credential: REAL_KEY,
  litellm: { token: INTERNAL_TOKEN, placeholder: PLACEHOLDER },
  otlpHeaders: { "x-api-key": "receivers-key" },
};

/** The files of both volumes of a path. */
export function rendered(args: EnvoyConfigArgs, values: EnvoySecrets = secrets) {
  return {
    config: renderEnvoyConfig(args),
    ...(!servesHttp(args.variant) ? {} : { secrets: renderEnvoySecrets(args, values) }),
  };
}

/** A certificate from the lab's authority, created once per cache. */
export async function certificateFor(...names: string[]): Promise<KeyPair> {
  const authority = await labCa();
  const dir = await part({
    name: "envoy-test-certificate",
    inputs: [authority.certFile, ...names],
    build: async (dir) => {
      await issueCertificate(authority, dir, "server", { commonName: "stand-in", names });
    },
  });
  return { certFile: join(dir, "server.pem"), keyFile: join(dir, "server.key") };
}

/** The rendered files with some numbers replaced, for example `{ idle_timeout: "1s" }`. */
export function withSettings(
  files: ReturnType<typeof rendered>,
  settings: Readonly<Record<string, unknown>>,
): ReturnType<typeof rendered> {
  const changed = (key: string, value: unknown) => settings[key] ?? value;
  return {
    ...files,
    config: Object.fromEntries(
      Object.entries(files.config).map(([name, text]) => [
        name,
        JSON.stringify(JSON.parse(text, changed)),
      ]),
    ),
  };
}
