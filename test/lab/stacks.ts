import type { Pulumi, Stack } from "./pulumi/cli.ts";
import type { Target } from "./target.ts";

/**
 * Creates a stack from the shipped file of kind `like`, with a target's upstream key and runner image and with additional
 * config. If the stack exists, it is kept.
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
