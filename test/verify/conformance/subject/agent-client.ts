import { spawn } from "node:child_process";
import { BadInput } from "../../../../cli/command-line.ts";
import type { Target } from "../../../lab/target.ts";
import { RAW_CLIENT_SOURCE, RawClient } from "../client/raw-client.ts";

/** Starts an HTTP client in the runner of an agent's namespace. Throws {@link BadInput}. */
export async function agentClient(
  target: Pick<Target, "kubectlCommand">,
  { namespace, stack }: { readonly namespace: string; readonly stack: string },
): Promise<RawClient> {
  const [program, ...args] = target.kubectlCommand([
    ...["exec", "-i", `--namespace=${namespace}`, "service/runner", "--"],
    ...["node", "--input-type=module", "--eval", RAW_CLIENT_SOURCE],
  ]);
  const child = spawn(program, args, { stdio: "pipe", detached: true });
  return RawClient.over(child).catch((error: unknown) => {
    throw new BadInput(
      `no HTTP client could be started in namespace ${namespace} of stack ${stack}: ${(error as Error).message}`,
    );
  });
}
