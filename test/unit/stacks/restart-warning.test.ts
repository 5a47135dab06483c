import { expect, test } from "vitest";
import { agentEnvironment, gatewayToken } from "../../../components/agents/environment.ts";
import { deployedVariant } from "../../../components/gateway/paths/index.ts";
import { upstreamOf } from "../../../components/gateway/paths/variant.ts";
import { type AgentEnvironment, restartWarning } from "../../../stacks/restart-warning.ts";

const anthropic = { path: "envoy", provider: "anthropic" } as const;
const vertex = (region: string) =>
  ({ path: "envoy", provider: "vertex", vertex: { project: "my-project", region } }) as const;

function agents(gateway: Parameters<typeof deployedVariant>[0], ...names: string[]) {
  const variant = deployedVariant(gateway);
  if (variant === undefined) throw new Error("no such path");
  const variables = agentEnvironment({
    baseUrl: variant.baseUrl("gateway.llm.svc.cluster.local"),
    ofProvider: upstreamOf(variant).environment,
    secret: gatewayToken,
  });
  return names.map((name): AgentEnvironment => ({ name, variables }));
}

/** The outputs of an update that left these agents. */
function outputs(left: readonly AgentEnvironment[]) {
  return {
    agents: Object.fromEntries(
      left.map(({ name, variables }) => [
        name,
        { podPatch: { spec: { containers: [{ env: variables }] } } },
      ]),
    ),
  };
}

test("a change of the provider restarts every agent, and the message names them and why", () => {
  const last = outputs(agents(anthropic, "dev-e", "dev-f"));
  expect(restartWarning(last, agents(vertex("us-east5"), "dev-e", "dev-f"), true)).toBe(
    "This update restarts agents, because their environment changes: dev-e, dev-f (ANTHROPIC_BASE_URL, " +
      "ANTHROPIC_VERTEX_BASE_URL, ANTHROPIC_VERTEX_PROJECT_ID, CLAUDE_CODE_SKIP_VERTEX_AUTH, CLAUDE_CODE_USE_VERTEX, " +
      "CLOUD_ML_REGION). Their runners restart with it. A workload of your own needs the new podPatch, and the gateway may " +
      "refuse its requests until it has it.",
  );
});

test("a change of the region restarts them too; without runners the message names none", () => {
  const last = outputs(agents(vertex("us-east5"), "dev-e"));
  const warning = restartWarning(last, agents(vertex("global"), "dev-e"), false);
  expect(warning).toContain(": dev-e (CLOUD_ML_REGION). A workload of your own");
});

test("nothing is said at the first update, of a new agent, and when nothing changes", () => {
  expect(restartWarning({}, agents(anthropic, "dev-e"), true)).toBeUndefined();
  const last = outputs(agents(anthropic, "dev-e"));
  expect(restartWarning(last, agents(anthropic, "dev-e", "dev-f"), true)).toBeUndefined();
});
