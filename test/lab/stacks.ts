import type { Pulumi, Stack } from "./pulumi/cli.ts";
import type { Target } from "./target.ts";

/** Creates a stack of the shipped kind `like` on a target, with its upstream key and runner; keeps one that is there. */
export async function prepareStack(
  pulumi: Pulumi,
  target: Target,
  name: string,
  like = name,
): Promise<Stack> {
  const stack = pulumi.stack(name);
  await stack.init(like);
  await stack.setConfig("cluster.kubeconfig", target.kubeconfig);
  await stack.setConfig("images.runner", target.runnerImage);
  await stack.setConfig("credential.value", target.apiKey, { secret: true });
  return stack;
}
