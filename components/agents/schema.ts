import { z } from "zod";
import { MAX_AGENT_REQUESTS, MAX_REQUESTS } from "../gateway/envoy/limits.ts";
import { KubernetesName } from "../schema/fields.ts";
import { AgentBudgetConfig } from "../usage/budget/schema.ts";

/** One agent: it has its own namespace and its own token. */
export const AgentConfig = z.strictObject({
  name: KubernetesName.describe("Name of the agent and of its namespace."),
  tokenGeneration: z
    .int("is not a whole number")
    .min(1, "is less than 1, the first generation")
    .default(1)
    .describe(
      "Raise by 1 to rotate the agent's token: the previous token stays valid until the next raise. Raise by 2 to revoke it at once. Default 1.",
    ),
  maxRequests: z
    .int("is not a whole number")
    .min(1, "is less than 1: to shut an agent out, remove it from agents")
    .max(MAX_REQUESTS, `is more than ${MAX_REQUESTS}, which the gateway serves at a time`)
    .optional()
    .describe(
      `Most requests of the agent at a time; a further one gets a 429. Requests that begin faster than so many a second, or than ${MAX_AGENT_REQUESTS} if that is more, wait. On shim, envoy in mode terminate and hybrid. Default ${MAX_AGENT_REQUESTS}.`,
    ),
  budget: AgentBudgetConfig.optional(),
});

/** The agents of a gateway stack. */
export const AgentsConfig = z
  .array(AgentConfig)
  .min(1, "is empty: name at least one agent: pulumi config set --path 'agents[0].name' dev-e")
  .superRefine((agents, context) => {
    agents.forEach(({ name }, index) => {
      if (agents.findIndex((agent) => agent.name === name) !== index) {
        context.addIssue({
          code: "custom",
          path: [index, "name"],
          message: "is used twice: every agent needs its own namespace, so choose another name",
        });
      }
    });
  });

export type Agent = z.infer<typeof AgentConfig>;
