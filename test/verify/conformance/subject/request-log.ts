import { labelKeys } from "../../../../components/kubernetes/labels.ts";
import type { Target } from "../../../lab/target.ts";
import type { LoggedRequest } from "../checks/check.ts";

/** A check asks for its own request within seconds. */
const SINCE = "2m";

/** Reads Envoy's log lines about a session, from the pods of a variant. Lines that are no JSON are not about requests. */
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
    .map((line) => JSON.parse(line) as LoggedRequest & { readonly session_id?: string })
    .filter(({ session_id: logged }) => logged === sessionId);
}
