import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { BASE_PATH, endpoints, type ExtraRoute } from "../api/endpoints.ts";

/** Folders of the files in LiteLLM's container. */
export const liteLlmPaths = {
  config: "/etc/litellm",
  tokens: "/etc/litellm-tokens",
} as const;

/** As many as Envoy accepts from agents. */
const MAX_UPSTREAM_CONNECTIONS = 4096;

/** Settings in LiteLLM's configuration. Secrets are in its environment and in a mounted file instead. */
export interface LiteLlmConfigArgs {
  /** Longest time without a byte from the upstream, in seconds. Must be above Claude Code's own limit of 300 s. */
  readonly upstreamTimeoutSeconds: number;
}

/** The files of LiteLLM's ConfigMap, by name. */
export function renderLiteLlmFiles(args: LiteLlmConfigArgs): Record<string, string> {
  return {
    "config.yaml": stringify({
      // The passthrough route accepts any model. An entry here would only serve the adapter's routes.
      model_list: [],
      litellm_settings: {
        num_retries: 0,
        telemetry: false,
        turn_off_message_logging: true,
      },
      general_settings: {
        master_key: "os.environ/LITELLM_MASTER_KEY",
        custom_auth: "gateway_auth.user_api_key_auth",
        pass_through_request_timeout: args.upstreamTimeoutSeconds,
      },
    }),
    "gateway_app.py": source("gateway_app.py"),
    "gateway_auth.py": source("gateway_auth.py"),
  };
}

function source(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** The command that starts LiteLLM: uvicorn, as in LiteLLM's own CLI, but with the route allowlist in front. */
export function liteLlmCommand(args: {
  readonly port: number;
  readonly drainSeconds: number;
}): string[] {
  return [
    "python3",
    "-m",
    "uvicorn",
    "gateway_app:app",
    `--app-dir=${liteLlmPaths.config}`,
    "--host=0.0.0.0",
    `--port=${args.port}`,
    "--no-server-header",
    `--timeout-graceful-shutdown=${args.drainSeconds}`,
  ];
}

/** The file with the accepted tokens by caller, which gateway_auth.py reads. */
export function renderTokensFile(callers: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify(callers);
}

/** LiteLLM's environment without secrets. */
export function liteLlmEnvironment(args: {
  readonly drainSeconds: number;
  /** Base URL of the upstream, without a path. */
  readonly upstreamBaseUrl: string;
  /** Optional routes that are open besides the two message routes. Default none. */
  readonly routes?: readonly ExtraRoute[];
}): Record<string, string> {
  return {
    // By default LiteLLM opens at most 500 connections to one host, and the 501st request waits silently.
    AIOHTTP_CONNECTOR_LIMIT: String(MAX_UPSTREAM_CONNECTIONS),
    AIOHTTP_CONNECTOR_LIMIT_PER_HOST: String(MAX_UPSTREAM_CONNECTIONS),
    ANTHROPIC_API_BASE: args.upstreamBaseUrl,
    CONFIG_FILE_PATH: `${liteLlmPaths.config}/config.yaml`,
    GATEWAY_ROUTES: endpoints(args.routes)
      .map(({ method, path }) => `${method} ${BASE_PATH}${path}`)
      .join(","),
    GATEWAY_TOKENS_FILE: `${liteLlmPaths.tokens}/tokens.json`,
    GRACEFUL_SHUTDOWN_TIMEOUT: String(args.drainSeconds),
    LITELLM_MODE: "PRODUCTION",
    // Without it LiteLLM downloads prices from GitHub at every start, which the network policies block.
    LITELLM_LOCAL_MODEL_COST_MAP: "True",
    HOME: "/tmp",
    // Without it httpx and aiohttp use certifi's certificates instead of the image's.
    SSL_CERT_FILE: "/etc/ssl/certs/ca-certificates.crt",
  };
}
