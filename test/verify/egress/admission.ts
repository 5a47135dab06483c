import type { Target } from "../../lab/target.ts";
import type { BadPod, Pod, Surroundings } from "./attempt.ts";
import type { AttemptResult } from "./report.ts";

/** Checks, with a dry run, that the API server rejects pods that it should reject. Nothing is created. */
export async function measureBadPods(
  rows: readonly BadPod[],
  target: Target,
  around: Surroundings,
): Promise<AttemptResult[]> {
  const good = await goodPod(target, around);
  const pods = rows.map(({ spoil }) => {
    const pod = structuredClone(good);
    spoil(pod);
    return pod;
  });
  const [refusal, ...refusals] = await refusalsOf([good, ...pods], target);
  // If the correct pod is rejected too (for example by a full quota), the other rejections prove nothing.
  if (refusal !== undefined)
    throw new Error(
      `the API server also rejects a correct pod, so the other rejections prove nothing: ${refusal}`,
    );
  return rows.map(({ id, title, expected, rings }, index) => ({
    ...{ id, title, expected, rings },
    status: refusals[index] === undefined ? "fail" : "pass",
    evidence: refusals[index] ?? "the API server would have accepted it",
  }));
}

/** For each of some pods, why the API server rejects it; undefined if it accepts it. */
export async function refusalsOf(
  pods: readonly Pod[],
  target: Target,
): Promise<(string | undefined)[]> {
  const name = (index: number) => `way-out-${index}`;
  const items = pods.map((pod, index) => ({
    ...pod,
    metadata: { ...pod.metadata, name: name(index) },
  }));
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const command = ["create", "--dry-run=server", "--filename=-", "--output=name"];
  let letIn: string;
  let refused = "";
  try {
    letIn = await target.kubectl(command, { input: list });
  } catch (error) {
    // kubectl continues after a rejection, and exits with an error at the end.
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    [letIn, refused] = [stdout, stderr];
  }
  return pods.map((_, index) => {
    if (letIn.split("\n").includes(`pod/${name(index)}`)) return undefined;
    const reason = refused.split(`pods "${name(index)}" is forbidden: `)[1];
    if (reason === undefined)
      throw new Error(`pod ${index} was neither accepted nor rejected: ${refused}`);
    const [message = ""] = reason.split("\nError from server");
    return message.trim().replace(/^ValidatingAdmissionPolicy .* denied request: /, "");
  });
}

/** The runner's pod, written by hand with `podPatch` merged in. The API server must accept it. */
export async function goodPod(target: Target, around: Surroundings): Promise<Pod> {
  const text = await target.kubectl([
    ...["get", "deployments", "--selector=app=runner", `--namespace=${around.agent}`],
    "--output=jsonpath={.items[0].spec.template}",
  ]);
  const { metadata, spec } = JSON.parse(text) as Pod;
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name: "way-out", namespace: around.agent, labels: metadata.labels },
    spec,
  };
}

/** A container that somebody could try to add to a running agent's pod; a dry run, so nothing is added. */
export async function ephemeralContainer(
  target: Target,
  around: Surroundings,
): Promise<AttemptResult> {
  const here = `--namespace=${around.agent}`;
  const pod = await target.kubectl([
    ...["get", "pods", here, "--selector=app=runner", "--output=jsonpath={.items[0]}"],
  ]);
  const { metadata, spec } = JSON.parse(pod) as Pod;
  const { image, securityContext } = spec.containers[0] ?? {};
  const added = { name: "debugger", image, securityContext };
  const patch = JSON.stringify({ spec: { ephemeralContainers: [added] } });
  const refusal = await target
    .kubectl([
      ...["patch", "pod", metadata.name, here, "--subresource=ephemeralcontainers"],
      ...["--dry-run=server", `--patch=${patch}`],
    ])
    .then(
      () => undefined,
      (error: unknown) => (error as { stderr?: string }).stderr ?? String(error),
    );
  return {
    id: "pod.ephemeral",
    title: "a container added to a running agent's pod",
    expected: "blocked",
    rings: ["admission"],
    status: refusal?.includes("ephemeral containers are not allowed") === true ? "pass" : "fail",
    evidence: refusal?.trim() ?? "the API server would have added it",
  };
}
