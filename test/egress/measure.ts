import type { Target } from "../lab/target.ts";
import {
  type Attempt,
  type BadPod,
  type Pod,
  PYTHON_PRELUDE,
  SECRET_LABEL,
  type Surroundings,
} from "./attempt.ts";
import { gateway } from "./rows/gateway.ts";
import { inside } from "./rows/inside.ts";
import { names } from "./rows/names.ts";
import { outside } from "./rows/outside.ts";
import { pods } from "./rows/pods.ts";
import { newArrivals, type Witness } from "./witness.ts";

/** Every way out that is tried. */
export const attempts: readonly Attempt[] = [...outside, ...names, ...inside, ...gateway];
export const badPods: readonly BadPod[] = pods;

export type Status = "pass" | "fail" | "known-loss" | "not-applicable" | "skipped";

/** What became of one attempt. */
export interface AttemptResult {
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  readonly expected: Attempt["expected"];
  /** What holds it, each alone. */
  readonly rings: readonly string[];
  readonly evidence: string;
}

/** What one try from inside an agent's container came to. */
export interface Try {
  readonly through: boolean;
  /** What the agent saw. */
  readonly said: string;
  /** What the far side saw, where there is one to ask. */
  readonly arrived: readonly string[];
}

/** Tries one way out. */
export async function tryAttempt(
  attempt: Attempt,
  around: Surroundings,
  { target, witness }: { readonly target: Target; readonly witness?: Witness | undefined },
): Promise<Try> {
  const before = await witness?.arrivals();
  const asked = (await witness?.lookUps())?.length;
  const { through, said } = await runPython(
    target,
    containerOf(attempt, around),
    attempt.python(around),
  );
  const arrived =
    before === undefined || witness === undefined
      ? []
      : newArrivals(before, await witness.arrivals());
  const leaked = (await witness?.lookUps())?.slice(asked).includes(SECRET_LABEL) === true;
  return { through, said, arrived: leaked ? [...arrived, "a look-up"] : arrived };
}

function containerOf({ from }: Attempt, { agent, gatewayNamespace }: Surroundings): string[] {
  return from === "litellm"
    ? [`--namespace=${gatewayNamespace}`, "deployment/litellm", "--container=litellm"]
    : [`--namespace=${agent}`, "deployment/runner", "--container=runner"];
}

const INDENT = "    ";

async function runPython(
  target: Target,
  container: readonly string[],
  body: string,
): Promise<{ through: boolean; said: string }> {
  const program = `${PYTHON_PRELUDE}
def attempt():
${INDENT}${body}
try:
    print("THROUGH", attempt())
except Exception as error:
    print("HELD", type(error).__name__, error)
`;
  const said = await target.kubectl([
    ...["exec", ...container, "--"],
    ...["python3", "-c", program],
  ]);
  const [verdict = "", ...rest] = said.trim().split(" ");
  if (verdict !== "THROUGH" && verdict !== "HELD") throw new Error(`an attempt printed ${said}`);
  return { through: verdict === "THROUGH", said: rest.join(" ") };
}

/** Holds one attempt against what is expected of it. */
export async function measureAttempt(
  attempt: Attempt,
  around: Surroundings,
  means: { readonly target: Target; readonly witness?: Witness | undefined },
): Promise<AttemptResult> {
  const { id, title, expected, rings, variants } = attempt;
  const result = (status: Status, evidence: string) => ({
    id,
    title,
    status,
    expected,
    rings,
    evidence,
  });
  if (variants?.includes(around.variant) === false) {
    return result("not-applicable", `there is nothing like it on ${around.variant}`);
  }
  const { through, said, arrived } = await tryAttempt(attempt, around, means);
  if (expected === "limit") {
    const open = through || arrived.length > 0;
    return result(open ? "known-loss" : "fail", open ? (attempt.reason ?? said) : said);
  }
  const outside = arrived.length === 0 ? "" : `; outside arrived ${arrived.join(", ")}`;
  const counted =
    means.witness === undefined || outside !== "" ? outside : "; outside arrived nothing";
  return result(through || outside !== "" ? "fail" : "pass", said + counted);
}

/** Asks the API server whether it would let a pod in. */
export async function measureBadPod(
  { id, title, expected, rings, spoil }: BadPod,
  good: Pod,
  target: Target,
): Promise<AttemptResult> {
  const pod = structuredClone(good);
  spoil(pod);
  const refusal = await admissionRefusal(pod, target);
  return {
    ...{ id, title, expected, rings },
    status: refusal === undefined ? "fail" : "pass",
    evidence: refusal ?? "the API server would have let it in",
  };
}

/** Why the API server refuses a pod; undefined when it would let it in. */
export async function admissionRefusal(pod: Pod, target: Target): Promise<string | undefined> {
  const command = ["create", "--dry-run=server", "--filename=-"];
  try {
    await target.kubectl(command, { input: JSON.stringify(pod) });
    return undefined;
  } catch (error) {
    const { stderr = "" } = error as { stderr?: string };
    if (!stderr.includes("forbidden")) throw error;
    return stderr.replace(/^[^]*is forbidden: /, "").trim();
  }
}

/** The runner's pod as somebody would write it who merges `podPatch`: let in as it is. */
export async function goodPod(target: Target, around: Surroundings): Promise<Pod> {
  const text = await target.kubectl([
    ...["get", "deployment", "runner", `--namespace=${around.agent}`],
    "--output=jsonpath={.spec.template}",
  ]);
  const { metadata, spec } = JSON.parse(text) as Pod;
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name: "way-out", namespace: around.agent, labels: metadata.labels },
    spec,
  };
}
