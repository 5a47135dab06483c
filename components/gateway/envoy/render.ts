import {
  type EnvoyConfigArgs,
  type EnvoySecrets,
  type Files,
  type OtlpArgs,
  tlsHosts,
  upstreamHost,
} from "./args.ts";
import { isMinted } from "../api/credentials.ts";
import { servesHttp } from "../paths/variant.ts";
import { bootstrap } from "./bootstrap.ts";
import { clusters } from "./clusters.ts";
import { CREDENTIAL_SECRET, LITELLM_TOKEN_SECRET, otlpHeaderSecret } from "./headers.ts";
import { listeners } from "./listeners.ts";
import { fileText, type Message, typed } from "./proto.ts";
import { otlpRoutes } from "./otlp-routes.ts";
import { agentRoutes, egressRoutes } from "./routes.ts";
import { fileNames, otlpHeaderFile } from "./volumes.ts";

/** Files of the ConfigMap volume. They contain no secret, because the arguments contain none. Throws on a bad argument. */
export function renderEnvoyConfig(args: EnvoyConfigArgs): Files {
  if (servesHttp(args.variant) && tlsHosts(args).includes(upstreamHost(args))) {
    throw new Error(
      `allowHosts must not contain ${upstreamHost(args)}: TLS to it would bypass the gateway; remove it`,
    );
  }
  return {
    [fileNames.bootstrap]: fileText(bootstrap(args)),
    [fileNames.clusters]: discovery("envoy.config.cluster.v3.Cluster", clusters(args)),
    [fileNames.listeners]: discovery("envoy.config.listener.v3.Listener", listeners(args)),
  };
}

/** Files of the Secret volume: tokens, LiteLLM's placeholder and a stored credential. Throws on a bad argument. */
export function renderEnvoySecrets(args: EnvoyConfigArgs, secrets: EnvoySecrets): Files {
  checkTokens(secrets);
  return {
    [fileNames.routes]: discovery("envoy.config.route.v3.RouteConfiguration", [
      agentRoutes(args, secrets.agents),
    ]),
    ...credentialFile(args, secrets),
    ...(args.litellmHost !== undefined && litellmFiles(args, secrets)),
    ...(args.otlp && otlpFiles(args.otlp, secrets)),
  };
}

function credentialFile(
  { credentialKind = "apiKey" }: EnvoyConfigArgs,
  secrets: EnvoySecrets,
): Files {
  if (isMinted(credentialKind)) return {};
  const { credential = "" } = secrets;
  if (!/^[\x21-\x7e]+$/.test(credential)) {
    throw new Error(
      "the real credential is empty, or contains spaces or other characters that a header cannot have",
    );
  }
  return { [fileNames.credential]: secretFile(CREDENTIAL_SECRET, credential) };
}

function litellmFiles(args: EnvoyConfigArgs, { litellm }: EnvoySecrets): Files {
  if (litellm === undefined) {
    throw new Error("LiteLLM is the next hop, but has no token and no placeholder: give both");
  }
  return {
    [fileNames.litellmToken]: secretFile(LITELLM_TOKEN_SECRET, litellm.token),
    [fileNames.egressRoutes]: discovery("envoy.config.route.v3.RouteConfiguration", [
      egressRoutes(args, litellm.placeholder),
    ]),
  };
}

function otlpFiles(otlp: OtlpArgs, { agents, otlpHeaders = {} }: EnvoySecrets): Files {
  const headers = otlp.headerNames.map((name) => {
    const value = otlpHeaders[name];
    if (value === undefined) throw new Error(`the header ${name} has no value: give it one`);
    return [otlpHeaderFile(name), secretFile(otlpHeaderSecret(name), value)] as const;
  });
  return {
    [fileNames.otlpRoutes]: discovery("envoy.config.route.v3.RouteConfiguration", [
      otlpRoutes(otlp, agents),
    ]),
    ...Object.fromEntries(headers),
  };
}

function secretFile(name: string, text: string): string {
  return discovery("envoy.extensions.transport_sockets.tls.v3.Secret", [
    { name, generic_secret: { secret: { inline_string: text } } },
  ]);
}

function discovery(type: string, resources: readonly Message[]): string {
  return fileText({ resources: resources.map((resource) => typed(type, resource)) });
}

/** Throws when a token cannot be used. Errors name the agent, never a token. */
function checkTokens({ agents }: EnvoySecrets): void {
  const agentOf = new Map<string, string>();
  const names = new Set<string>();
  for (const { name, tokens } of agents) {
    if (names.has(name)) throw new Error(`agent ${name} is listed twice`);
    names.add(name);
    if (tokens.length === 0) throw new Error(`agent ${name} has no token: give it at least one`);
    for (const token of tokens) {
      if (!/^[A-Za-z0-9._~+/=-]{16,}$/.test(token)) {
        throw new Error(
          `agent ${name} has a token that is shorter than 16 characters or contains other characters than A-Z a-z 0-9 - . _ ~ + / =`,
        );
      }
      const other = agentOf.get(token);
      if (other !== undefined && other !== name) {
        throw new Error(`agents ${other} and ${name} have the same token: give each its own`);
      }
      agentOf.set(token, name);
    }
  }
}
