import type { z } from "zod";
import { credentialFindings } from "../components/gateway/credential.ts";
import type { Credential } from "../components/gateway/credential-schema.ts";
import { providerFindings } from "../components/gateway/provider-findings.ts";
import {
  DEFAULT_PROVIDER,
  providerNamed,
  providerNames,
  type ProviderName,
} from "../components/gateway/providers/index.ts";
import { liteLlmReleaseProblem } from "../components/gateway/litellm/release.ts";
import {
  deployedVariant,
  type SelectedGateway,
  selectedVariant,
  variants,
} from "../components/gateway/paths/index.ts";
import {
  inConfig,
  isMetered,
  providersOf,
  upstreamOf,
  type Variant,
} from "../components/gateway/paths/variant.ts";
import { telemetryFindings } from "./telemetry-checks.ts";
import type { Finding } from "../components/schema/finding.ts";
import { type BudgetSections, budgetFindings } from "./budget-findings.ts";
import { egressFindings } from "./egress-findings.ts";
import { requestLimitFindings } from "./request-limit-findings.ts";
import { githubFindings } from "./github-findings.ts";
import { SPIKE_AGENT } from "./spike-agent.ts";
import { images as pinned } from "./versions.ts";

type EgressSection = Parameters<typeof githubFindings>[1];

/** The parts of a gateway stack or a spike that the checks read. A section that is not valid can have any type. */
interface Sections {
  readonly kind: "gateway" | "spike";
  readonly gateway?: unknown;
  readonly credential: Credential;
  readonly images?: { readonly litellm?: unknown; readonly runner?: unknown };
  readonly agents?: unknown;
  readonly prices?: object;
  readonly budget?: unknown;
  readonly egress?: unknown;
  readonly telemetry?: unknown;
  readonly host?: unknown;
  readonly cluster?: unknown;
}

/**
 * Checks sections against each other, as a refinement of a stack's schema. It also runs when a section is not valid, so
 * that one error lists all mistakes.
 */
export function betweenSections(sections: Sections, context: z.core.$RefinementCtx): void {
  const isValid = (section: keyof Sections) =>
    !context.issues.some(({ path }) => path?.[0] === section);
  for (const { path, message } of findings(sections, isValid)) {
    context.addIssue({ code: "custom", path: [...path], message });
  }
}

function findings(
  sections: Sections,
  isValid: (section: keyof Sections) => boolean,
): readonly Finding[] {
  const { kind, credential, images, prices } = sections;
  const gateway = (sections.gateway ?? {}) as {
    readonly path: string;
    readonly mode?: string;
    readonly namespace?: string;
    readonly provider?: ProviderName;
  };
  const variant = selectedVariant(gateway);
  const credentialKnown = isValid("credential") ? credential : undefined;
  const found: Finding[] = [...clusterFindings(sections)];
  if (kind === "spike" && images?.runner === undefined) found.push(runnerFinding);
  if (variant === undefined) return found;

  // An unknown provider is reported by the schema.
  const { provider = DEFAULT_PROVIDER } = gateway;
  const reached = providerNames.includes(provider) && providersOf(variant).includes(provider);
  if (isValid("gateway")) found.push(...providerFindings(variant, gateway));
  if (credentialKnown !== undefined)
    found.push(
      ...credentialFindings(variant, credentialKnown, reached ? provider : DEFAULT_PROVIDER),
    );
  const problem = liteLlmReleaseProblem({
    image: typeof images?.litellm === "string" ? images.litellm : pinned.litellm,
    variant,
    credentialKind: credentialKnown?.kind ?? "apiKey",
    spike: kind === "spike",
  });
  if (problem !== undefined) found.push({ path: ["images", "litellm"], message: problem });
  if (!isMetered(variant) && Object.keys(prices ?? {}).length > 0)
    found.push(pricesFinding(variant));
  found.push(
    ...budgetFindings(variant, reached ? providerNamed(provider) : undefined, {
      ...(isValid("budget") && { budget: sections.budget as BudgetSections["budget"] }),
      ...(Array.isArray(sections.agents) && {
        agents: sections.agents as NonNullable<BudgetSections["agents"]>,
      }),
    }),
  );
  found.push(...requestLimitFindings(variant, sections.agents));
  found.push(
    ...egressFindings(variant, sections.egress, {
      // The schema refuses the default provider's host on every path.
      upstreamHost:
        isValid("gateway") && reached && provider !== DEFAULT_PROVIDER
          ? upstreamOf(deployedVariant(sections.gateway as SelectedGateway) ?? variant).host
          : undefined,
    }),
  );
  if (isValid("egress"))
    found.push(...githubFindings(variant, sections.egress as EgressSection, agentNames(sections)));
  if (isValid("telemetry"))
    found.push(...telemetryFindings(variant, sections.telemetry, sections.agents));
  if (kind === "gateway") found.push(...namespaceFindings(gateway.namespace, sections.agents));
  return found;
}

/** The agents' names. Undefined if some are not known. */
function agentNames({ kind, agents }: Sections): readonly string[] | undefined {
  if (kind === "spike") return [SPIKE_AGENT];
  if (!Array.isArray(agents)) return undefined;
  const names = (agents as readonly ({ readonly name?: unknown } | null)[]).map((a) => a?.name);
  return names.every((name) => typeof name === "string") ? names : undefined;
}

function pricesFinding(variant: Variant): Finding {
  const metered = variants.filter(isMetered).map(inConfig).join(", ");
  return {
    path: ["prices"],
    message:
      `has no effect on path ${inConfig(variant)}, where no answer is metered: remove it with pulumi config rm prices, ` +
      `or choose a metered path (${metered})`,
  };
}

const RESERVED_NAMESPACE = /^(default|kube-.*)$/;

function namespaceFindings(gateway: string | undefined, agents: unknown): Finding[] {
  const findings: Finding[] = [];
  if (gateway !== undefined && RESERVED_NAMESPACE.test(gateway)) {
    findings.push({
      path: ["gateway", "namespace"],
      message: "is a namespace of Kubernetes itself: choose another name",
    });
  }
  if (!Array.isArray(agents)) return findings;
  // `pulumi config set --path 'agents[1].name'` without an agents[0] leaves a null before it.
  (agents as readonly ({ readonly name?: string } | null)[]).forEach((agent, index) => {
    const name = agent?.name ?? "";
    if (name === gateway || RESERVED_NAMESPACE.test(name)) {
      findings.push({
        path: ["agents", String(index), "name"],
        message: `is the namespace of ${name === gateway ? "the gateway" : "Kubernetes itself"}, but an agent needs its own: choose another name`,
      });
    }
  });
  return findings;
}

const runnerFinding: Finding = {
  path: ["images", "runner"],
  message:
    "is missing: a spike runs Claude Code in an image from your registry. Build it, push it and set its name:\n" +
    "      docker build --platform linux/amd64 -f components/agents/runner/Containerfile -t REGISTRY/claude-runner:1 components/agents/runner && docker push REGISTRY/claude-runner:1\n" +
    "      pulumi config set --path images.runner REGISTRY/claude-runner:1",
};

function clusterFindings({ host, cluster }: Sections): Finding[] {
  if ((host === undefined) !== (cluster === undefined)) return [];
  return [
    {
      path: ["cluster"],
      message:
        (host === undefined
          ? "is missing, and so is host: choose where to deploy, with one of\n"
          : "and host are both set: keep only one of\n") +
        "      pulumi config set --path host.stack <host stack>            the machine of a host stack\n" +
        "      pulumi config set --path cluster.kubeconfig <file>          a cluster of your own\n" +
        "      npm run local                                               the embedded cluster",
    },
  ];
}
