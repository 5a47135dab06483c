import type { CredentialKind } from "../api/credentials.ts";
import { extension, type Message } from "./proto.ts";
import { fileNames, fileSource } from "./volumes.ts";

/** Name of the file secret that Envoy shows to the next hop. */
export const CREDENTIAL_SECRET = "credential";

/** Headers by which a client authenticates, at Anthropic or at any route of LiteLLM's. */
const CREDENTIAL_HEADERS = [
  "api-key",
  "authorization",
  "cookie",
  "ocp-apim-subscription-key",
  "proxy-authorization",
  "x-api-key",
  "x-goog-api-key",
] as const;

/** Headers that steer LiteLLM or Envoy; `x-pass-NAME` is forwarded upstream by LiteLLM as NAME. */
const STEERING_PREFIXES = ["x-envoy-", "x-litellm-", "x-pass-"] as const;

/** What Envoy adds of itself, and what would tell the upstream about our network. */
const PROXY_PREFIX = "x-forwarded-";

/** Takes off a request whatever of the client's must not go on. */
export function stripClientHeaders(): Message {
  return headerMutation({
    request_mutations: [
      ...CREDENTIAL_HEADERS.map((name) => ({ remove: name })),
      ...[...STEERING_PREFIXES, PROXY_PREFIX].map(removePrefix),
    ],
  });
}

/**
 * Takes off LiteLLM's request what is LiteLLM's own business. Releases below 1.103 forward the credential
 * they were called with beside the real one, so the header that the real one does not use goes.
 */
export function stripLitellmRequestHeaders(kind: CredentialKind): Message {
  return headerMutation({
    request_mutations: [
      { remove: kind === "apiKey" ? "authorization" : "x-api-key" },
      ...[...STEERING_PREFIXES, PROXY_PREFIX].map(removePrefix),
    ],
  });
}

/** Takes off a response what LiteLLM added to the upstream's headers. */
export function stripLitellmResponseHeaders(): Message {
  return headerMutation({ response_mutations: [removePrefix("x-litellm-")] });
}

/** Sets the credential for the next hop, from a file that may change at any time. */
export function injectCredential(header: "x-api-key" | "authorization"): Message {
  return extension(
    "envoy.filters.http.credential_injector",
    "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
    {
      overwrite: true,
      credential: extension(
        "envoy.http.injected_credentials.generic",
        "envoy.extensions.http.injected_credentials.generic.v3.Generic",
        {
          credential: {
            name: CREDENTIAL_SECRET,
            sds_config: fileSource("secrets", fileNames.credential),
          },
          header,
          ...(header === "authorization" ? { header_value_prefix: "Bearer " } : {}),
        },
      ),
    },
  );
}

const OAUTH_BETA_LUA = `-- The upstream refuses an OAuth token without this beta, which a client that shows an agent's token omits.
function envoy_on_request(handle)
  local beta = "oauth-2025-04-20"
  local headers = handle:headers()
  local sent = headers:get("anthropic-beta")
  if sent == nil or sent == "" then
    headers:replace("anthropic-beta", beta)
  elseif not (("," .. sent:gsub("%s", "") .. ","):find("," .. beta .. ",", 1, true)) then
    headers:replace("anthropic-beta", sent .. "," .. beta)
  end
end
`;

/** Appends the OAuth beta to `anthropic-beta` where the client did not send it; order and spelling stay. */
export function addOauthBeta(): Message {
  return lua("oauth-beta", OAUTH_BETA_LUA);
}

/** A Lua filter. */
export function lua(name: string, source: string): Message {
  return extension(name, "envoy.extensions.filters.http.lua.v3.Lua", {
    default_source_code: { inline_string: source },
    // A route found again would be found without the agent's token, which is off the request by then.
    clear_route_cache: false,
  });
}

function headerMutation(mutations: Message): Message {
  return extension(
    "envoy.filters.http.header_mutation",
    "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    { mutations },
  );
}

function removePrefix(prefix: string): Message {
  return { remove_on_match: { key_matcher: { prefix } } };
}
