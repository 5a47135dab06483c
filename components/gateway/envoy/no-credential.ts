import { ofAgent } from "./agent.ts";
import { extension, type Message } from "./proto.ts";

const WITHOUT_CREDENTIAL: Message = {
  extension_filter: extension(
    "envoy.access_loggers.extension_filters.cel",
    "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
    { expression: "response.code_details == 'failed_to_inject_credential'" },
  ),
};

/**
 * Filters of a local reply: Envoy has no credential for the next hop, because the file of the secret holds an empty one. Its
 * own status is 401, on which clients stop. An agent with an unknown token still gets that one.
 */
export const noCredential = {
  agents: { and_filter: { filters: [WITHOUT_CREDENTIAL, ofAgent] } },
  egress: WITHOUT_CREDENTIAL,
} as const satisfies Record<string, Message>;
