import { askApi } from "./api-server.ts";
import { readHostStatus } from "./gcloud.ts";
import { type HostReference, hostReference } from "./host-reference.ts";
import { summarize } from "./host-status.ts";
import type { FullStackName } from "./stack-name.ts";
import { expandHome, kubeconfigProblem, tunnelKubeconfig } from "./kubeconfig.ts";

const LIMIT_MS = 15_000;

/**
 * Says why a stack cannot be deployed to the host's machine, which command fixes it, and how far the machine's set-up
 * is; `undefined` when the stack can be deployed. `outputs` returns the host stack's outputs; it is called only on a problem.
 */
export async function hostProblem(
  stack: FullStackName,
  outputs: () => Promise<Readonly<Record<string, unknown>>>,
): Promise<string | undefined> {
  const stale = kubeconfigProblem(stack);
  const answer =
    stale === undefined ? await askApi(expandHome(tunnelKubeconfig(stack)), LIMIT_MS) : undefined;
  if (answer?.is === "ready") return undefined;

  let host: HostReference;
  try {
    host = hostReference(stack, await outputs());
  } catch (error) {
    return messageOf(error);
  }
  const tunnel = `npm run tunnel -- --stack ${stack}`;
  const problem =
    stale ??
    (answer?.is === "another"
      ? `The kubeconfig at ${tunnelKubeconfig(stack)} is stale (${answer.reason}): run \`${tunnel}\` again`
      : `The API of host stack "${stack}" cannot be reached: ${answer?.reason ?? ""}. Run \`${tunnel}\` and leave it running`);
  const standing = await readHostStatus(host, LIMIT_MS).then(summarize, messageOf);
  return `${problem}\n  npm run host:status -- --stack ${stack} says: ${standing}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
