import { BadInput } from "../../cli/command-line.ts";
import { type ListedPod, living, OLDEST_FIRST } from "../../components/kubernetes/living-pods.ts";
import { labelKeys, type Role } from "../../components/kubernetes/labels.ts";
import { RATELIMIT_LIMITS } from "../../components/usage/budget/ratelimit.ts";
import { REPORT_COMMAND } from "../../components/usage/record/record.ts";
import type { Target } from "../../test/lab/target.ts";
import { gatewayNamespace } from "../../test/verify/conformance/subject/gateway-namespace.ts";
import { budgetsOf, counterKey, limitsOf } from "./budgets.ts";
import type { UsageBudget, UsageDay, UsageReport } from "./report.ts";

type Cluster = Pick<Target, "kubectl" | "title">;

/** What `npm run usage` shows. */
export interface Collected {
  readonly report: UsageReport;
  /** What a reader has to know, because figures are missing. */
  readonly warnings: readonly string[];
}

/** Reads a stack's record and budgets. Throws {@link BadInput} if they cannot be read. */
export async function collect(
  cluster: Cluster,
  stack: string,
  nowMs = Date.now(),
): Promise<Collected> {
  const namespace = await reached(cluster, () => gatewayNamespace(cluster, stack));
  const inNamespace = `--namespace=${namespace}`;
  const pod = await runningPod(cluster, namespace, "usage", {
    none: `stack ${stack} has no record of usage: it was deployed by an older version. Deploy it again: pulumi up -s ${stack}`,
  });
  const printed = await reached(cluster, () =>
    cluster.kubectl(["exec", inNamespace, pod, "--container=usage", "--", ...REPORT_COMMAND]),
  );
  const { days, problems, error } = JSON.parse(printed) as Recorded;
  return {
    report: {
      stack,
      currency: "USD",
      days: days.map(shown),
      budgets: await budgets(cluster, namespace, stack, nowMs),
    },
    warnings: [
      ...(error === undefined ? [] : [`The newest requests are missing: ${error}.`]),
      ...(problems.malformed === 0
        ? []
        : [`${problems.malformed} lines of the record could not be read and are left out.`]),
      ...(problems.shrunk === 0
        ? []
        : [`${problems.shrunk} times a file of the record lost its end.`]),
    ],
  };
}

/** What `record.mjs report` prints. */
interface Recorded {
  readonly days: readonly (UsageDay & { readonly unmetered: number })[];
  readonly problems: { readonly malformed: number; readonly shrunk: number };
  readonly error?: string;
}

function shown({ unmetered, ...day }: Recorded["days"][number]): UsageDay {
  return unmetered > 0 ? { ...day, unmetered } : day;
}

async function budgets(
  cluster: Cluster,
  namespace: string,
  stack: string,
  nowMs: number,
): Promise<UsageBudget[]> {
  const inNamespace = `--namespace=${namespace}`;
  const found = await reached(cluster, () =>
    cluster.kubectl([
      ...["get", "configmap", RATELIMIT_LIMITS, inNamespace, "--ignore-not-found", "--output=json"],
    ]),
  );
  if (found.trim() === "") return [];
  const { data = {} } = JSON.parse(found) as { data?: Record<string, string> };
  const limits = limitsOf(data);
  if (limits.length === 0) return [];
  const pod = await runningPod(cluster, namespace, "valkey", {
    none: `stack ${stack} has budgets, but no Valkey that counts them. Deploy it again: pulumi up -s ${stack}`,
  });
  const keys = limits.map((limit) => counterKey(limit, nowMs));
  const printed = await reached(cluster, () =>
    cluster.kubectl(["exec", inNamespace, pod, "--", "valkey-cli", "MGET", ...keys]),
  );
  return budgetsOf(limits, printed);
}

/** The newest pod with a role that runs, as `pod/NAME`. */
async function runningPod(
  cluster: Cluster,
  namespace: string,
  role: Role,
  { none }: { readonly none: string },
): Promise<string> {
  const printed = await reached(cluster, () =>
    cluster.kubectl([
      ...["get", "pods", `--namespace=${namespace}`, `--selector=${labelKeys.role}=${role}`],
      ...[OLDEST_FIRST, "--output=json"],
    ]),
  );
  const { items } = JSON.parse(printed) as { items: readonly Pod[] };
  if (items.length === 0) throw new BadInput(none);
  const running = living(items).filter(({ status }) => status.phase === "Running");
  const newest = running.at(-1);
  if (newest === undefined) {
    throw new BadInput(
      `no pod with the role ${role} runs in namespace ${namespace}. See why: kubectl describe pods -n ${namespace} -l ${labelKeys.role}=${role}`,
    );
  }
  return `pod/${newest.metadata.name}`;
}

interface Pod extends ListedPod {
  readonly metadata: ListedPod["metadata"] & { readonly name: string };
}

/** Turns an error of kubectl into one line. */
async function reached<T>(cluster: Cluster, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BadInput) throw error;
    const said = (error as Error).message.trim().split("\n").at(-1) ?? "";
    throw new BadInput(`${cluster.title} does not answer: ${said}`);
  }
}
