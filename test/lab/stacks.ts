import type { Pulumi, Stack } from "./pulumi/cli.ts";
import type { Target } from "./target.ts";

/**
 * Creates a stack of the shipped kind `like` on a target, with its upstream key, its runner and config beside them;
 * keeps one that is there.
 */
export async function prepareStack(
  pulumi: Pulumi,
  target: Target,
  name: string,
  like = name,
  config: Readonly<Record<string, string>> = {},
): Promise<Stack> {
  const stack = pulumi.stack(name);
  await stack.init(like);
  await stack.configure({
    "cluster.kubeconfig": target.kubeconfig,
    "images.runner": target.runnerImage,
    ...config,
  });
  await stack.setConfig("credential.value", target.apiKey, { secret: true });
  return stack;
}
