import * as pulumi from "@pulumi/pulumi";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import { z } from "zod";
import { type Finding, credentialFindings } from "../components/gateway/credential.ts";
import { liteLlmReleaseProblem } from "../components/gateway/litellm/release.ts";
import { CredentialConfig } from "../components/gateway/schema.ts";
import { gatewayVariant } from "../components/gateway/variant.ts";
import { problemsOf, renderProblems } from "./problems.ts";
import {
  type GatewayStackConfig,
  type HostStack,
  type SpikeStackConfig,
  SpikeStackName,
  StackConfig,
} from "./schema.ts";
import { images as pinned } from "./versions.ts";

/** A configuration that cannot be used. Its message names every mistake with its fix, and no secret. */
export class ConfigError extends Error {}

/** A parsed stack configuration whose credential is a secret of the engine's from here on. */
type Sealed<Config extends GatewayStackConfig | SpikeStackConfig> = Omit<Config, "credential"> & {
  readonly credential: Omit<Config["credential"], "value"> & {
    /** Not there when the agent holds a credential that its workload brings. */
    readonly value: pulumi.Output<string> | undefined;
  };
};
export type GatewayConfig = Sealed<GatewayStackConfig>;
export type SpikeConfig = Sealed<SpikeStackConfig>;
export type OnCluster = GatewayConfig | SpikeConfig;
export type HostConfig = z.infer<typeof HostStack>;

/** Reads the running stack's configuration: the one place that sees a secret's plain text. */
export function readConfig(): HostConfig | OnCluster {
  const config = parseConfig(pulumi.getStack(), allConfig());
  if (config.kind === "host") return config;
  const { value } = config.credential;
  return {
    ...config,
    credential: { ...config.credential, value: value === undefined ? value : pulumi.secret(value) },
  };
}

/**
 * Parses everything under `claude-gateway:` of a stack, once, before any resource.
 *
 * `entries` is the engine's map of `claude-gateway:<key>` to text; other projects' keys are ignored.
 * Throws {@link ConfigError} with all mistakes at once.
 */
export function parseConfig(stack: string, entries: Readonly<Record<string, string>>): StackConfig {
  const raw = rawConfig(entries);
  const parsed = StackConfig.safeParse(raw, { reportInput: true });
  const problems = problemsOf(parsed.success ? [] : parsed.error.issues, [
    ...crossFindings(raw),
    ...(raw.kind === "spike" ? stackNameFindings(stack) : []),
  ]);
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

/** The engine hands on objects and lists as JSON, and everything else as plain text. */
function structured(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The parts that are checked against each other, as far as each of them can be read at all. */
const Readable = z.looseObject({
  gateway: z
    .looseObject({
      path: z.enum(["litellm", "shim", "envoy", "hybrid"]),
      mode: z.enum(["terminate", "sni"]).default("terminate"),
      namespace: z.string().default("claude-gateway"),
    })
    .optional()
    .catch(undefined),
  credential: CredentialConfig.optional().catch(undefined),
  images: z
    .looseObject({ litellm: z.string().optional(), runner: z.string().optional() })
    .catch({}),
  agents: z.array(z.looseObject({ name: z.string() })).catch([]),
});

/** Mistakes between keys, looked for also when other keys are wrong, so that all are told at once. */
function crossFindings(raw: Record<string, unknown>): Finding[] {
  if (raw.kind !== "gateway" && raw.kind !== "spike") return [];
  const { gateway, credential, images, agents } = Readable.parse({
    images: {},
    agents: [],
    ...raw,
  });
  const findings = clusterFindings(raw);
  if (raw.kind === "spike" && images.runner === undefined) findings.push(runnerFinding);
  if (gateway === undefined) return findings;

  const variant = gatewayVariant(gateway);
  if (credential !== undefined) {
    findings.push(...credentialFindings(variant, credential));
  }
  const problem = liteLlmReleaseProblem({
    image: images.litellm ?? pinned.litellm,
    variant,
    credentialKind: credential?.kind ?? "apiKey",
    spike: raw.kind === "spike",
  });
  if (problem !== undefined) findings.push({ path: ["images", "litellm"], message: problem });
  if (raw.kind === "gateway") {
    findings.push(...namespaceFindings(gateway.namespace, agents));
  }
  return findings;
}

const RESERVED_NAMESPACE = /^(default|kube-.*)$/;

function namespaceFindings(gateway: string, agents: readonly { name: string }[]): Finding[] {
  const findings: Finding[] = [];
  if (RESERVED_NAMESPACE.test(gateway)) {
    findings.push({
      path: ["gateway", "namespace"],
      message: "is a namespace of Kubernetes itself: choose another",
    });
  }
  agents.forEach(({ name }, index) => {
    if (name === gateway || RESERVED_NAMESPACE.test(name)) {
      findings.push({
        path: ["agents", String(index), "name"],
        message: `is the namespace of ${name === gateway ? "the gateway" : "Kubernetes itself"}, and an agent has one of its own: choose another`,
      });
    }
  });
  return findings;
}

const runnerFinding: Finding = {
  path: ["images", "runner"],
  message:
    "is missing: a spike runs Claude Code in an image of your registry. Build, push and name it:\n" +
    "      docker build -t REGISTRY/claude-runner:1 components/agents/runner && docker push REGISTRY/claude-runner:1\n" +
    "      pulumi config set --path images.runner REGISTRY/claude-runner:1",
};

function clusterFindings(raw: Record<string, unknown>): Finding[] {
  if ((raw.host === undefined) !== (raw.cluster === undefined)) return [];
  return [
    {
      path: ["cluster"],
      message:
        (raw.host === undefined
          ? "is missing, and host too: say where to deploy, with one of\n"
          : "and host are both set: keep one of\n") +
        "      pulumi config set --path host.stack <host stack>            the machine of a host stack\n" +
        "      pulumi config set --path cluster.kubeconfig <file>          a cluster of your own\n" +
        "      npm run local                                               the embedded cluster",
    },
  ];
}

function stackNameFindings(stack: string): Finding[] {
  const name = SpikeStackName.safeParse(stack);
  if (name.success) return [];
  const problem = name.error.issues[0]?.message ?? "does not fit";
  return [
    {
      path: ["kind"],
      message:
        `is spike, so the namespaces are ${stack}-gateway and ${stack}-agent, but the stack's name ` +
        `${problem}: pulumi stack rename`,
    },
  ];
}
