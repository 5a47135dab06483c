import type { Target } from "../../../lab/target.ts";

/** The name and the images of a pod. */
export interface DeployedPod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string }[];
  };
}

/** Versions of the running parts: images by container, Claude Code and Kubernetes. */
export async function versionsOf(
  target: Target,
  pods: readonly DeployedPod[],
  agent: string,
): Promise<Record<string, string>> {
  const images = pods.flatMap(({ spec }) =>
    spec.containers.map(
      ({ name, image }) => [name, image.replace(/@sha256:(.{12}).*/, "@sha256:$1…")] as const,
    ),
  );
  const claude = await target.kubectl([
    ...["exec", `--namespace=${agent}`, "service/runner", "--", "claude", "--version"],
  ]);
  const { serverVersion } = JSON.parse(await target.kubectl(["version", "--output=json"])) as {
    serverVersion: { gitVersion: string };
  };
  return {
    ...Object.fromEntries(images),
    "claude-code": claude.trim().split(" ")[0] ?? "",
    kubernetes: serverVersion.gitVersion,
  };
}
