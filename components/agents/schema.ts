import { z } from "zod";
import { KubernetesName } from "../schema/fields.ts";

/** One agent: a namespace with a token of its own. */
export const AgentConfig = z.strictObject({
  name: KubernetesName.describe("Name of the agent and of its namespace."),
  tokenGeneration: z
    .int("is no whole number")
    .min(1, "starts at 1")
    .default(1)
    .describe(
      "Raise by 1 to rotate the agent's token: the one before stays valid until the next raise. Raise by 2 to revoke at once. Default 1.",
    ),
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
          message: "is used twice: every agent has a namespace of its own",
        });
      }
    });
  });

export type Agent = z.infer<typeof AgentConfig>;
