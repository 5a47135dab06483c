import { type CredentialKind, isMinted } from "../api/credentials.ts";
import { extension, type Message } from "./proto.ts";
import { fileNames, fileSource, mintedSource, otlpHeaderFile, UPSTREAM_TOKEN } from "./volumes.ts";

/** Name of the secret, read from a file, that is the real credential. */
export const CREDENTIAL_SECRET = "credential";

/** Name of the secret, read from a file, that is Envoy's token for LiteLLM. */
export const LITELLM_TOKEN_SECRET = "litellm-token";

/** Headers by which a client can authenticate to Anthropic or to any of LiteLLM's routes. */
const CREDENTIAL_HEADERS = [
  "api-key",
  "authorization",
  "cookie",
  "ocp-apim-subscription-key",
  "proxy-authorization",
  "x-api-key",
  "x-goog-api-key",
] as const;

/** Headers that control LiteLLM or Envoy. LiteLLM forwards `x-pass-NAME` to the upstream as NAME. */
const STEERING_PREFIXES = ["x-envoy-", "x-litellm-", "x-pass-"] as const;

/** Headers that Envoy adds, or that would tell the upstream about our network. */
const PROXY_PREFIX = "x-forwarded-";

/**
 * Removes from a request the headers of the client, an agent or LiteLLM, that must not reach the next hop. LiteLLM below
 * 1.103 also forwards the credential that its own caller sent. `identityHeaders` are those of the provider.
 */
export function stripClientHeaders(identityHeaders: readonly string[] = []): Message {
  return headerMutation({
    request_mutations: [
      ...[...CREDENTIAL_HEADERS, ...identityHeaders].map((name) => ({ remove: name })),
      ...[...STEERING_PREFIXES, PROXY_PREFIX].map(removePrefix),
    ],
  });
}

/** The same for a request with telemetry. A receiver may take any other `x-` header as the name of a tenant or a data set. */
export function stripTelemetryHeaders(): Message {
  return headerMutation({
    request_mutations: [
      ...CREDENTIAL_HEADERS.map((name) => ({ remove: name })),
      removePrefix("x-"),
    ],
  });
}

/** Removes the headers that LiteLLM added to a response. */
export function stripLitellmResponseHeaders(): Message {
  return headerMutation({ response_mutations: [removePrefix("x-litellm-")] });
}

/**
 * Filters that set the real credential, where the API is the next hop. Envoy reads it from a file, which may change at any
 * time.
 */
export function realCredential(kind: CredentialKind = "apiKey"): readonly Message[] {
  const secret = {
    name: CREDENTIAL_SECRET,
    sds_config: isMinted(kind)
      ? mintedSource(UPSTREAM_TOKEN)
      : fileSource("secrets", fileNames.credential),
  };
  switch (kind) {
    case "apiKey":
      return [inject("x-api-key", secret)];
    case "oauth":
    case "federated":
      return [addOauthBeta(), inject("authorization", secret, "Bearer ")];
    case "google":
    case "bedrockKey":
      return [inject("authorization", secret, "Bearer ")];
  }
}

/** Sets Envoy's token, where LiteLLM is the next hop. Envoy reads it from a file. */
export function litellmToken(): Message {
  return inject(
    "authorization",
    { name: LITELLM_TOKEN_SECRET, sds_config: fileSource("secrets", fileNames.litellmToken) },
    "Bearer ",
  );
}

/** Name of the secret with the value of a header for the OTLP receiver. */
export function otlpHeaderSecret(name: string): string {
  return `otlp-header-${name}`;
}

/**
 * Filters of the OTLP receiver's cluster: whatever calls it, no credential of an agent or of the upstream gets there, and
 * the receiver's own headers do.
 */
export function otlpHeaders(names: readonly string[]): readonly Message[] {
  return [
    stripClientHeaders(),
    ...names.map((name) =>
      inject(name, {
        name: otlpHeaderSecret(name),
        sds_config: fileSource("secrets", otlpHeaderFile(name)),
      }),
    ),
  ];
}

function inject(header: string, credential: Message, prefix = ""): Message {
  return extension(
    "envoy.filters.http.credential_injector",
    "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
    {
      overwrite: true,
      credential: extension(
        "envoy.http.injected_credentials.generic",
        "envoy.extensions.http.injected_credentials.generic.v3.Generic",
        {
          credential,
          header,
          ...(prefix === "" ? {} : { header_value_prefix: prefix }),
        },
      ),
    },
  );
}

const OAUTH_BETA_LUA = `-- The upstream refuses an OAuth token without this beta. A client with an agent's token does not send the beta.
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

/** Appends the OAuth beta to `anthropic-beta` if the client did not send it. The client's own text stays as it is. */
function addOauthBeta(): Message {
  return lua("oauth-beta", OAUTH_BETA_LUA);
}

/** A Lua filter. With `statPrefix` it has statistics of its own, else it shares those of the other scripts. */
export function lua(
  name: string,
  source: string,
  { statPrefix }: { readonly statPrefix?: string } = {},
): Message {
  return extension(name, "envoy.extensions.filters.http.lua.v3.Lua", {
    default_source_code: { inline_string: source },
    ...(statPrefix !== undefined && { stat_prefix: statPrefix }),
    // If Envoy looked for the route again here, the agent's token would already be gone from the request.
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
