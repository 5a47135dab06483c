/** Name of the Secret in an agent's namespace that holds its token, and the key in it. */
export const TOKEN_SECRET = "gateway-token";
export const TOKEN_KEY = "token";

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
 * What Claude Code needs to use the gateway and nothing else.
 * https://code.claude.com/docs/en/llm-gateway-connect and /en/env-vars
 */
export function agentEnvironment(baseUrl: string): EnvironmentVariable[] {
  return [
    { name: "ANTHROPIC_BASE_URL", value: baseUrl },
    {
      name: "ANTHROPIC_AUTH_TOKEN",
      valueFrom: { secretKeyRef: { name: TOKEN_SECRET, key: TOKEN_KEY } },
    },
    { name: "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", value: "1" },
    { name: "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", value: "1" },
    { name: "CLAUDE_CODE_DISABLE_ARTIFACT", value: "1" },
    { name: "DISABLE_UPDATES", value: "1" },
    { name: "ENABLE_CLAUDEAI_MCP_SERVERS", value: "false" },
  ];
}
