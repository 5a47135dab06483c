import { variantNamed } from "../../../../components/gateway/paths/index.ts";
import type { Subject } from "../subject/subject.ts";

/** Facts about a path's design, for the decision table. Measurements are not part of it. */
export interface PathFacts {
  readonly name: string;
  /** The hops of a request. */
  readonly chain: string;
  readonly throughLiteLlm: boolean;
  /** Whether the agent holds the real credential. */
  readonly agentHoldsCredential: boolean;
  readonly portability: string;
}

const external: PathFacts = {
  name: "External gateway",
  chain: "agent → gateway → API",
  throughLiteLlm: false,
  agentHoldsCredential: false,
  portability: "Unknown: not ours.",
};

/** The facts about a subject's path. */
export function pathFacts(path: Subject["path"]): PathFacts {
  if (path === "external") return external;
  const { title, chain, litellm, holder, portability } = variantNamed(path);
  return {
    name: title,
    chain,
    throughLiteLlm: litellm !== undefined,
    agentHoldsCredential: holder === "agent",
    portability,
  };
}
