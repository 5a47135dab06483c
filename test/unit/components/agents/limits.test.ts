import { describe, expect, test } from "vitest";
import { AGENT_PODS } from "../../../../components/agents/limits.ts";
import { agentPolicy } from "../../../../components/agents/policy.ts";
import { MAX_CONNECTIONS, MAX_REQUESTS } from "../../../../components/gateway/envoy/limits.ts";
import { envoyPolicy } from "../../../../components/gateway/envoy/policy.ts";
import { liteLlmPolicy } from "../../../../components/gateway/litellm/policy.ts";
import { variants } from "../../../../components/gateway/paths/index.ts";
import { agentConnections } from "../../../../components/kubernetes/agent-connections.ts";
import type { PolicySpec } from "../../../../components/kubernetes/policy-spec.ts";
import { ports } from "../../../../components/kubernetes/ports.ts";

describe("connections by pod address", () => {
  test("leave Envoy's requests for other agents when all pods of one agent have their maximum", () => {
    const all = AGENT_PODS * agentConnections.perAddress;
    expect(all).toBe(2400);
    // A fifth is left for the other agents.
    expect(all).toBeLessThan(0.8 * MAX_REQUESTS);
    expect(MAX_REQUESTS).toBeLessThan(MAX_CONNECTIONS);
  });

  const tcpPorts = (rules: PolicySpec["egress"]) =>
    rules.flatMap(({ ports }) =>
      ports.filter(({ protocol }) => protocol === "TCP").map(({ port }) => port),
    );

  test("are limited on every port that agents reach, except LiteLLM's", () => {
    const reached = tcpPorts(agentPolicy("llm", { otlp: true }).egress);
    const bounded = [...agentConnections.ports, ports.litellm];
    expect(new Set(bounded)).toEqual(new Set(reached));
  });

  test("are not limited on ports that the gateway's own pods call, because these carry all agents' requests", () => {
    const agentNamespaces = { a: "b" };
    const own = variants.flatMap((variant) =>
      tcpPorts([
        ...envoyPolicy(variant, agentNamespaces).egress,
        ...liteLlmPolicy(variant, agentNamespaces).egress,
      ]),
    );
    expect(own).toEqual(expect.arrayContaining([ports.litellm, ports.egress]));
    expect(own.filter((port) => agentConnections.ports.includes(port as never))).toEqual([]);
  });
});
