import type { StoredKind } from "../gateway/api/credentials.ts";
import { anthropicApi } from "../gateway/providers/index.ts";

/** A Secret in an agent's namespace, and the environment variable in which Claude Code expects it. */
export interface AgentSecret {
  /** Name of the Secret. */
  readonly name: string;
  /** Its only key. */
  readonly key: string;
  readonly variable: string;
}

/** The agent's token for the gateway. */
export const gatewayToken: AgentSecret = {
  name: "gateway-token",
  key: "token",
  variable: "ANTHROPIC_AUTH_TOKEN",
};

/** The agent's own credential, on a path where the gateway passes TLS on. */
export function ownCredential(kind: StoredKind): AgentSecret {
  return {
    name: "anthropic-credential",
    key: "credential",
    variable: kind === "apiKey" ? "ANTHROPIC_API_KEY" : "CLAUDE_CODE_OAUTH_TOKEN",
  };
}

/** An entry of a container's `env`. */
export type EnvironmentVariable =
  | { readonly name: string; readonly value: string }
  | {
      readonly name: string;
      readonly valueFrom: {
        readonly secretKeyRef: { readonly name: string; readonly key: string };
      };
    };

/**
 * Makes Claude Code use the gateway and no other host. Without a secret, whoever deploys the workload must supply one.
 * https://code.claude.com/docs/en/llm-gateway-connect and /en/env-vars
 */
export function agentEnvironment(args: {
  readonly baseUrl: string;
  /** Variables by which Claude Code calls a provider's API at the base URL. Default: those of Anthropic's API. */
  readonly ofProvider?: ((baseUrl: string) => Readonly<Record<string, string>>) | undefined;
  readonly secret?: AgentSecret | undefined;
  /** Base URL of the gateway for Claude Code's own telemetry. Default: none is sent. */
  readonly otlpUrl?: string | undefined;
}): EnvironmentVariable[] {
  const { baseUrl, secret, otlpUrl, ofProvider = anthropicApi.environment } = args;
  return [
    ...Object.entries(ofProvider(baseUrl)).map(([name, value]) => ({ name, value })),
    ...(secret === undefined
      ? []
      : [
          {
            name: secret.variable,
            valueFrom: { secretKeyRef: { name: secret.name, key: secret.key } },
          },
        ]),
    { name: "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", value: "1" },
    // Without feature flags Claude Code denies a tool call in auto mode (`-p --permission-mode auto`) that the API does not
    // check. With 0, it lets a model check the call, by a further request through the gateway.
    { name: "CLAUDE_CODE_AUTO_MODE_SERVER", value: "0" },
    { name: "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", value: "1" },
    { name: "CLAUDE_CODE_DISABLE_ARTIFACT", value: "1" },
    { name: "DISABLE_UPDATES", value: "1" },
    { name: "ENABLE_CLAUDEAI_MCP_SERVERS", value: "false" },
    ...(otlpUrl === undefined || secret === undefined ? [] : telemetry(otlpUrl, secret)),
  ];
}

/** Claude Code exports every 60 s by default. A run with `-p` is shorter, and its last export would be its only one. */
const EXPORT_INTERVAL_MS = 5000;

/**
 * Makes Claude Code send metrics and events to the gateway. What a user typed and what tools returned stay out of them, as
 * they are by default. https://code.claude.com/docs/en/monitoring-usage
 */
function telemetry(otlpUrl: string, secret: AgentSecret): EnvironmentVariable[] {
  const values = {
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl,
    // Kubernetes puts the token in, because the Secret's variable comes before this one. Not as a bearer token: Claude Code
    // does not decode the `%20` that OpenTelemetry wants for a space.
    OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=$(${secret.variable})`,
    OTEL_METRIC_EXPORT_INTERVAL: String(EXPORT_INTERVAL_MS),
    OTEL_LOGS_EXPORT_INTERVAL: String(EXPORT_INTERVAL_MS),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
