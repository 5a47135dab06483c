import { labelKeys } from "../../../../components/kubernetes/labels.ts";
import type { Target } from "../../../lab/target.ts";
import type { LoggedRequest } from "../checks/check.ts";

/** A check asks for its own request within seconds. */
const SINCE = "2m";

/**
 * Reads the lines of Envoy's log about agents' requests of a session, from the pods of a variant. LiteLLM's own requests to
 * the API have the same session, and lines that are no JSON are not about requests.
 */
export async function requestLog(
  target: Pick<Target, "kubectl">,
  { namespace, variant }: { readonly namespace: string; readonly variant: string },
  sessionId: string,
): Promise<LoggedRequest[]> {
  const text = await target.kubectl([
    ...["logs", `--namespace=${namespace}`, "--container=envoy", `--since=${SINCE}`, "--tail=-1"],
    `--selector=${labelKeys.role}=gateway,${labelKeys.path}=${variant}`,
  ]);
  return text
    .split("\n")
    .filter((line) => line.startsWith("{") && line.includes(JSON.stringify(sessionId)))
    .map((line) => JSON.parse(line) as LoggedRequest & LineOf)
    .filter((line) => line.listener === "agents" && line.session_id === sessionId);
}

interface LineOf {
  readonly listener: string;
  readonly session_id?: string;
}
