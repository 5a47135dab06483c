import * as pulumi from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import type { z } from "zod";
import type { InspectConfig } from "../components/egress/inspect-schema.ts";
import { hostCredentialText } from "../components/egress/inspected.ts";
import { credentialForm } from "../components/egress/registries.ts";
import type { GithubConfig } from "../components/gateway/github/schema.ts";
import type { Credential } from "../components/gateway/credential-schema.ts";
import type { Finding } from "../components/schema/finding.ts";
import { problemsOf, renderProblems } from "./problems.ts";
import {
  type GatewayStackConfig,
  type HostStack,
  type SpikeStackConfig,
  SpikeStackName,
  StackConfig,
} from "./schema.ts";

/** A configuration that cannot be used. The message lists every mistake with its fix, and contains no secret. */
export class ConfigError extends Error {}

/** A credential whose secret, if its kind has one, is a Pulumi secret. */
type SealedCredential<Credential> = Credential extends { value?: string | undefined }
  ? Omit<Credential, "value"> & {
      /** `undefined` when the agent's workload supplies the credential. */
      readonly value: pulumi.Output<string> | undefined;
    }
  : Credential;

/** An entry of `egress.inspect` whose credential is a Pulumi secret. */
type SealedHost = Omit<InspectConfig[number], "credential"> & {
  readonly credential?: {
    readonly user?: string | undefined;
    readonly header?: string | undefined;
    /** As it is in its header after the prefix. */
    readonly text: pulumi.Output<string>;
  };
};

/** `egress.github` whose key or token is a Pulumi secret. */
interface SealedGithub {
  readonly agents: GithubConfig["agents"];
  readonly credential:
    | {
        readonly kind: "app";
        readonly appId: string;
        readonly installationId: string;
        readonly privateKey: pulumi.Output<string>;
      }
    | { readonly kind: "token"; readonly value: pulumi.Output<string> };
}

/** A parsed stack configuration whose credentials and headers for the OTLP receiver are Pulumi secrets. */
type Sealed<Config extends GatewayStackConfig | SpikeStackConfig> = Omit<
  Config,
  "credential" | "egress" | "telemetry"
> & {
  readonly credential: SealedCredential<Config["credential"]>;
  readonly egress: Omit<Config["egress"], "github" | "inspect"> & {
    readonly inspect: readonly SealedHost[];
    readonly github?: SealedGithub | undefined;
  };
  readonly telemetry: Omit<Config["telemetry"], "otlp"> & {
    readonly otlp?: {
      readonly endpoint: string;
      /** Their values by name. The names are no secret. */
      readonly headers: Readonly<Record<string, pulumi.Output<string>>>;
    };
  };
};
export type GatewayConfig = Sealed<GatewayStackConfig>;
export type SpikeConfig = Sealed<SpikeStackConfig>;
export type OnCluster = GatewayConfig | SpikeConfig;

type HostStackConfig = z.infer<typeof HostStack>;

/** A host's configuration, in which the passwords of registries are Pulumi secrets. */
export type HostConfig = Omit<HostStackConfig, "host"> & {
  readonly host: Omit<HostStackConfig["host"], "pullCredentials"> & {
    readonly pullCredentials: readonly {
      readonly registry: string;
      readonly username: string;
      readonly password: pulumi.Output<string>;
    }[];
  };
};

/** Reads the running stack's configuration. Only this function sees the secret in plain text. */
export function readConfig(): HostConfig | OnCluster {
  const config = parseConfig(pulumi.getStack(), allConfig());
  if (config.kind === "host") {
    const { host } = config;
    const pullCredentials = host.pullCredentials.map((each) => ({
      ...each,
      password: pulumi.secret(each.password),
    }));
    return { ...config, host: { ...host, pullCredentials } };
  }
  const { otlp, ...telemetry } = config.telemetry;
  const headers = Object.entries(otlp?.headers ?? {});
  return {
    ...config,
    credential: sealed(config.credential),
    egress: {
      ...config.egress,
      inspect: config.egress.inspect.map(sealedHost),
      github: config.egress.github && sealedGithub(config.egress.github),
    },
    telemetry: {
      ...telemetry,
      ...(otlp && {
        otlp: {
          endpoint: otlp.endpoint,
          headers: Object.fromEntries(headers.map(([name, text]) => [name, pulumi.secret(text)])),
        },
      }),
    },
  };
}

function sealedGithub({ credential, agents }: GithubConfig): SealedGithub {
  if (credential.kind === "token") {
    return { agents, credential: { ...credential, value: pulumi.secret(credential.value) } };
  }
  const { kind, appId, installationId, privateKey } = credential;
  return {
    agents,
    credential: {
      kind,
      appId: String(appId),
      installationId: String(installationId),
      privateKey: pulumi.secret(privateKey),
    },
  };
}

function sealedHost({ credential, ...rest }: InspectConfig[number]): SealedHost {
  if (credential === undefined) return rest;
  const { user, header } = credentialForm(rest.registry, credential);
  const text = hostCredentialText({ value: credential.value, user });
  return { ...rest, credential: { user, header, text: pulumi.secret(text) } };
}

function sealed(credential: Credential): SealedCredential<Credential> {
  if (!("value" in credential)) return credential as SealedCredential<Credential>;
  const { value } = credential;
  return { ...credential, value: value === undefined ? value : pulumi.secret(value) };
}

/**
 * Parses everything under `claude-gateway:` in a stack's configuration, before any resource is made.
 *
 * `entries` is the engine's map from `claude-gateway:<key>` to text; keys of other projects are ignored.
 * Throws {@link ConfigError} with all mistakes at once.
 */
export function parseConfig(stack: string, entries: Readonly<Record<string, string>>): StackConfig {
  const raw = rawConfig(entries);
  const parsed = StackConfig.safeParse(raw, { reportInput: true });
  const problems = problemsOf(
    parsed.success ? [] : parsed.error.issues,
    raw.kind === "spike" ? stackNameFindings(stack) : [],
  );
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(renderProblems(stack, raw, problems));
  }
  return parsed.data;
}

const PREFIX = "claude-gateway:";

function rawConfig(entries: Readonly<Record<string, string>>): Record<string, unknown> {
  const raw: Record<string, unknown> = Object.fromEntries(
    Object.entries(entries)
      .filter(([key]) => key.startsWith(PREFIX))
      .map(([key, text]) => [key.slice(PREFIX.length), structured(text)]),
  );
  if (raw.kind !== "host") return raw;
  return { ...raw, gcp: { project: entries["gcp:project"], zone: entries["gcp:zone"] } };
}

/** The engine passes objects and lists as JSON, and everything else as plain text. */
function structured(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function stackNameFindings(stack: string): Finding[] {
  const name = SpikeStackName.safeParse(stack);
  if (name.success) return [];
  const problem = name.error.issues[0]?.message ?? "is not valid";
  return [
    {
      path: ["kind"],
      message:
        `is spike, so the namespaces are ${stack}-gateway and ${stack}-agent, but the stack's name ` +
        `${problem}: pulumi stack rename`,
    },
  ];
}
