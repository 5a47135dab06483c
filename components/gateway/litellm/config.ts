import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { BASE_PATH, endpoints, type ExtraRoute } from "../api/endpoints.ts";

/** Where LiteLLM's container finds its files. */
export const liteLlmPaths = {
  config: "/etc/litellm",
  tokens: "/etc/litellm-tokens",
} as const;

/** As many as Envoy takes from agents. */
const MAX_UPSTREAM_CONNECTIONS = 4096;

/** What LiteLLM is told; everything secret comes by environment and mounted file instead. */
export interface LiteLlmConfigArgs {
  /** Longest an upstream call may be silent, in seconds. Above Claude Code's own 300 s watchdog. */
  readonly upstreamTimeoutSeconds: number;
}

/** The files of LiteLLM's ConfigMap, by name. */
export function renderLiteLlmFiles(args: LiteLlmConfigArgs): Record<string, string> {
  return {
    "config.yaml": stringify({
      // The passthrough route takes any model: an entry here would only open the adapter's routes.
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

/** How LiteLLM is started: by uvicorn as its own CLI does, but behind the route allowlist. */
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

/** The tokens file that gateway_auth.py reads: accepted tokens by caller. */
export function renderTokensFile(callers: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify(callers);
}

/** LiteLLM's environment, secrets aside. */
export function liteLlmEnvironment(args: {
  readonly drainSeconds: number;
  /** Base URL of the upstream, without a path. */
  readonly upstreamBaseUrl: string;
  /** What is open beside the two message routes. Default nothing. */
  readonly routes?: readonly ExtraRoute[];
}): Record<string, string> {
  return {
    // By default it opens 500 connections to one host, and the 501st request waits silently.
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
    // Without it LiteLLM asks GitHub for prices at every start, and no way leads there.
    LITELLM_LOCAL_MODEL_COST_MAP: "True",
    HOME: "/tmp",
    // httpx and aiohttp would otherwise trust certifi's copy and ignore the image's own bundle.
    SSL_CERT_FILE: "/etc/ssl/certs/ca-certificates.crt",
  };
}
