import type { Lab } from "../../lab/cluster/index.ts";
import type { Attempt, Surroundings } from "./attempt.ts";
import { ephemeralContainer, measureBadPods } from "./admission.ts";
import { measureCredentials } from "./credentials.ts";
import type { AttemptResult, EgressReport, Status } from "./report.ts";
import { measureGatewayPod } from "./gateway-pod.ts";
import { measureLiteLlm } from "./litellm-pod.ts";
import { measurePolicies } from "./in-force.ts";
import { gateway } from "./rows/gateway.ts";
import { inside } from "./rows/inside.ts";
import { itself } from "./rows/itself.ts";
import { limits } from "./rows/limits.ts";
import { names } from "./rows/names.ts";
import { outside } from "./rows/outside.ts";
import { pods } from "./rows/pods.ts";
import { deniedFetches } from "./rows/server-fetch.ts";
import { enter, type Place } from "./surroundings.ts";
import { type Means, type Try, tryAttempts } from "./tries.ts";
import { Witness } from "./witness.ts";

/** Every way out that is tried from inside a container. */
export const attempts: readonly Attempt[] = [
  ...outside,
  ...names,
  ...inside,
  ...gateway,
  ...deniedFetches,
  ...itself,
  ...limits,
];

export interface EgressArgs extends Place, Omit<Means, "witness"> {
  /** The embedded cluster, where the outside can be asked what arrived. */
  readonly lab: Lab | undefined;
  readonly signal?: AbortSignal;
  /** Called with the progress. */
  readonly status?: (text: string) => void;
}

/** Tries every way out from a deployed stack's first agent. Throws {@link BadInput}. */
export async function measureEgress(args: EgressArgs): Promise<EgressReport> {
  const { target, stack, lab, upstream, signal, status } = args;
  const { around, versions, leave } = await enter(args);
  let witness: Witness | undefined;
  try {
    witness = lab && (await Witness.start(lab));
    const checks = [
      ...(await measureAttempts(attempts, around, { target, upstream, witness, signal, status })),
      ...(await measurePolicies(stack, around, target)),
      await measureGatewayPod(around, { target, witness }),
      ...(await measureLiteLlm(around, target)),
      ...(await measureBadPods(pods, target, around)),
      await ephemeralContainer(target, around),
      ...(await measureCredentials(stack, around, { target, upstream })),
    ];
    return {
      ...{ stack, path: around.variant, versions },
      view: witness === undefined ? "agent" : "both-sides",
      checks,
      verdict: checks.some(({ status }) => status === "fail") ? "open" : "closed",
    };
  } finally {
    await witness?.stop();
    await leave();
  }
}

/** Runs the attempts and compares each result with the expected one. */
export async function measureAttempts(
  attempts: readonly Attempt[],
  around: Surroundings,
  means: Means,
): Promise<AttemptResult[]> {
  const leftOut = new Map(attempts.map((attempt) => [attempt, whyNot(attempt, around, means)]));
  const tried = attempts.filter((attempt) => leftOut.get(attempt) === undefined);
  const tries = await tryAttempts(tried, around, means);
  const counted = means.witness !== undefined;
  const results = attempts.map((attempt): AttemptResult => {
    const { id, title, expected, rings } = attempt;
    const came = tries.of.get(attempt);
    return {
      ...{ id, title, expected, rings },
      ...(came === undefined
        ? (leftOut.get(attempt) ?? { status: "skipped", evidence: "was not tried" })
        : judge(attempt, came, counted)),
    };
  });
  return counted ? [...results, elsewhere(tries.unaccounted)] : results;
}

type Judgement = Pick<AttemptResult, "status" | "evidence">;

function whyNot(
  { variants, unless, skip, upstream }: Attempt,
  around: Surroundings,
  means: Means,
): Judgement | undefined {
  if (variants?.includes(around.variant) === false) {
    return {
      status: "not-applicable",
      evidence: `path ${around.variant} has no such thing`,
    };
  }
  const settled = unless?.(around);
  if (settled !== undefined) return { status: "not-applicable", evidence: settled };
  const reason =
    upstream && means.upstream === undefined
      ? "needs an upstream that can be scripted"
      : skip?.(around);
  return reason === undefined ? undefined : { status: "skipped", evidence: reason };
}

/** The status of a try, given the expected result. */
export function judge(
  { expected, reason }: Pick<Attempt, "expected" | "reason">,
  { through, said, arrived }: Try,
  counted: boolean,
): Judgement {
  const open = through || arrived.length > 0;
  const outside = arrived.length > 0 ? arrived.join(", ") : "nothing";
  const evidence = counted ? `outside arrived ${outside}; ${said}` : said;
  if (expected !== "limit") return { status: open ? "fail" : "pass", evidence };
  // If something does block a limit, that is fine too.
  return open
    ? { status: "known-loss", evidence: reason ?? evidence }
    : { status: "pass", evidence };
}

function elsewhere(unaccounted: readonly string[]): AttemptResult {
  const status: Status = unaccounted.length === 0 ? "pass" : "fail";
  return {
    ...{
      id: "elsewhere",
      title: "traffic to a destination that no attempt aimed at",
      expected: "blocked",
    },
    ...{ rings: ["policy"], status },
    evidence: `outside arrived ${unaccounted.length === 0 ? "nothing" : unaccounted.join(", ")}`,
  };
}
