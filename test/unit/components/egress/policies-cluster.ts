/** A cluster with the pods of every path, of two agents and of strangers, and all policies that the stacks render for it. */

import { agentPolicy } from "../../../../components/agents/policy.ts";
import { dnsPolicy } from "../../../../components/egress/dns/policy.ts";
import { probePolicy } from "../../../../components/egress/gate/policy.ts";
import { envoyPolicy } from "../../../../components/gateway/envoy/policy.ts";
import { liteLlmPolicy } from "../../../../components/gateway/litellm/policy.ts";
import { type VariantName, variantNamed } from "../../../../components/gateway/paths/index.ts";
import { ratelimitPolicy, valkeyPolicy } from "../../../../components/usage/budget/policy.ts";
import { isMetered } from "../../../../components/gateway/paths/variant.ts";
import { scrapePolicy } from "../../../../components/usage/telemetry/policy.ts";
import { defaultDeny } from "../../../../components/kubernetes/policy-spec.ts";
import type { Labels, Pod, Policy } from "./policy-reader.ts";

export const agentNamespaces = { "claude-gateway/stack": "dev", "claude-gateway/role": "agent" };
export const namespaces: Record<string, Labels> = {
  llm: { "claude-gateway/stack": "dev", "claude-gateway/role": "gateway" },
  "dev-e": agentNamespaces,
  "dev-f": agentNamespaces,
  "other-llm": { "claude-gateway/stack": "other", "claude-gateway/role": "gateway" },
  "other-agent": { "claude-gateway/stack": "other", "claude-gateway/role": "agent" },
  "kube-system": {},
  default: {},
  monitoring: {},
  observability: {},
  "other-monitoring": {},
};

export const scrapers = [
  { namespace: "monitoring", podLabels: { app: "prometheus" } },
  { namespace: "other-monitoring" },
];

export const policies: readonly Policy[] = [
  ...["llm", "dev-e", "dev-f"].map((namespace) => ({ namespace, spec: defaultDeny() })),
  ...["dev-e", "dev-f"].map((namespace) => ({
    namespace,
    spec: agentPolicy("llm"),
  })),
  ...(["shim", "hybrid", "envoy-terminate", "envoy-sni"] as const).map((variant) => ({
    namespace: "llm",
    spec: envoyPolicy(variantNamed(variant), agentNamespaces, {
      allow: ["github.com"],
      budgets: isMetered(variantNamed(variant)),
    }),
  })),
  ...(["litellm", "shim", "hybrid"] as const).map((variant) => ({
    namespace: "llm",
    spec: liteLlmPolicy(variantNamed(variant), agentNamespaces),
  })),
  { namespace: "llm", spec: dnsPolicy(agentNamespaces) },
  { namespace: "llm", spec: probePolicy(agentNamespaces) },
  { namespace: "llm", spec: ratelimitPolicy() },
  { namespace: "llm", spec: valkeyPolicy() },
  ...(["gateway", "ratelimit"] as const).map((role) => ({
    namespace: "llm",
    spec: scrapePolicy(role, scrapers),
  })),
];

export const role = (name: string, path?: string): Labels => ({
  "claude-gateway/role": name,
  ...(path !== undefined && { "claude-gateway/path": path }),
});
export const agent: Pod = { namespace: "dev-e", labels: { ...role("agent"), app: "runner" } };
export const otherAgent: Pod = { namespace: "dev-f", labels: role("agent") };
export const strangers: Record<string, Pod> = {
  "an agent of another stack": { namespace: "other-agent", labels: role("agent") },
  "a pod of the agent's namespace without the label": { namespace: "dev-e", labels: {} },
  "a pod in another namespace with an agent's label": {
    namespace: "default",
    labels: role("agent"),
  },
  "a pod beside Prometheus without its label": { namespace: "monitoring", labels: {} },
  "a gateway of another stack": { namespace: "other-llm", labels: role("gateway", "shim") },
};
export const gateway = (path: VariantName): Pod => ({
  namespace: "llm",
  labels: role("gateway", path),
});
export const litellm = (path: VariantName): Pod => ({
  namespace: "llm",
  labels: role("litellm", path),
});
export const dns: Pod = { namespace: "llm", labels: role("dns") };
export const probe: Pod = { namespace: "llm", labels: role("probe") };
export const ratelimit: Pod = { namespace: "llm", labels: role("ratelimit") };
export const valkey: Pod = { namespace: "llm", labels: role("valkey") };
export const kubeDns: Pod = { namespace: "kube-system", labels: { "k8s-app": "kube-dns" } };
