import { z } from "zod";
import { AgentsConfig } from "../components/agents/schema.ts";
import { EgressConfig } from "../components/egress/schema.ts";
import { Duration, KubernetesName } from "../components/schema/fields.ts";
import { CredentialConfig } from "../components/gateway/credential-schema.ts";
import { GatewayConfig, SpikeGatewayConfig } from "../components/gateway/schema.ts";
import { TelemetryConfig } from "../components/usage/telemetry/schema.ts";
import { Image, PinnedImage } from "../components/schema/image.ts";
import { PricesConfig } from "../components/usage/prices/schema.ts";
import { BudgetConfig } from "../components/usage/budget/schema.ts";
import { GcpConfig, HostConfig, K3sConfig } from "../infra/schema.ts";
import { betweenSections } from "./cross-checks.ts";
import { STACK_NAME } from "../infra/access/stack-name.ts";

/** The host stack on whose machine a stack deploys. */
const HostReference = z.strictObject({
  stack: z
    .string()
    .regex(STACK_NAME, 'is not a stack name: write "host" or "organization/claude-gateway/host"')
    .describe("Name of the host stack."),
});

/** A cluster of the user's own. */
const ClusterConfig = z.strictObject({
  kubeconfig: z
    .string()
    .min(1)
    .describe("Path of a kubeconfig file. A relative path starts at the project's folder."),
  context: z
    .string()
    .min(1)
    .optional()
    .describe("Context in that file. Default: its current context."),
});

/** Settings of a throw-away stack. */
const SpikeConfig = z.strictObject({
  ttl: Duration.default("24h").describe(
    "Time to live from creation, after which `npm run spike:reap` destroys the stack. Default 24h.",
  ),
});

/** Images other than the pinned releases: a mirror of your registry, and the runner. */
const ImagesConfig = z.strictObject({
  litellm: Image.optional(),
  envoy: PinnedImage.optional(),
  coredns: PinnedImage.optional(),
  node: PinnedImage.optional(),
  ratelimit: PinnedImage.optional(),
  valkey: PinnedImage.optional(),
  runner: PinnedImage.optional().describe(
    "Image with Claude Code, built from components/agents/runner/Containerfile. When set, each agent's namespace gets a runner.",
  ),
});

const onCluster = {
  credential: CredentialConfig,
  budget: BudgetConfig.optional(),
  egress: EgressConfig.prefault({}),
  prices: PricesConfig,
  telemetry: TelemetryConfig.prefault({}),
  images: ImagesConfig.prefault({}),
  host: HostReference.optional(),
  cluster: ClusterConfig.optional(),
};

export const HostStack = z.strictObject({
  kind: z.literal("host"),
  gcp: GcpConfig,
  host: HostConfig.prefault({}),
  k3s: K3sConfig.prefault({}),
});

/** Runs the refinement even if a section is not valid. */
const always = { when: () => true };

export const GatewayStack = z
  .strictObject({
    kind: z.literal("gateway"),
    gateway: GatewayConfig,
    agents: AgentsConfig,
    ...onCluster,
  })
  .superRefine(betweenSections, always);

export const SpikeStack = z
  .strictObject({
    kind: z.literal("spike"),
    gateway: SpikeGatewayConfig,
    spike: SpikeConfig.prefault({}),
    ...onCluster,
  })
  .superRefine(betweenSections, always);

/** The keys under `claude-gateway:` in a stack file, by `kind`. A host stack also reads `gcp:` keys. */
export const StackConfig = z.discriminatedUnion("kind", [HostStack, GatewayStack, SpikeStack]);

export type GatewayStackConfig = z.infer<typeof GatewayStack>;
export type SpikeStackConfig = z.infer<typeof SpikeStack>;
export type StackConfig = z.infer<typeof StackConfig>;

/** Name of a spike's stack. Its namespaces are `<stack>-gateway` and `<stack>-agent`. */
export const SpikeStackName = KubernetesName.max(
  63 - "-gateway".length,
  "is longer than 55 characters; with -gateway it would exceed the 63 that Kubernetes allows",
);
