import { inConfig, isMetered, type Variant } from "../components/gateway/paths/variant.ts";
import { variants, variantsOf } from "../components/gateway/paths/index.ts";
import type { Provider } from "../components/gateway/providers/provider.ts";
import type { Finding } from "../components/schema/finding.ts";
import { ALL_AGENTS } from "../components/usage/budget/limits.ts";

type Budget = { readonly [key: string]: unknown } | undefined;

/** The sections that the checks read. */
export interface BudgetSections {
  readonly budget?: Budget;
  /** `pulumi config set --path 'agents[1].name'` without an agents[0] leaves a null before it. */
  readonly agents?: readonly ({ readonly name?: string; readonly budget?: Budget } | null)[];
}

/** Mistakes in budgets that lie between sections. */
export function budgetFindings(
  variant: Variant,
  provider: Pick<Provider, "name" | "unbudgeted"> | undefined,
  { budget, agents = [] }: BudgetSections,
): readonly Finding[] {
  const ofAgents = agents.flatMap((agent, index) =>
    agent?.budget === undefined ? [] : [["agents", String(index), "budget"]],
  );
  const paths = [...(budget === undefined ? [] : [["budget"]]), ...ofAgents];
  if (!isMetered(variant)) return paths.map((path) => ({ path, message: notMetered(variant) }));
  const { unbudgeted, name = "" } = provider ?? {};
  if (unbudgeted !== undefined)
    return paths.map((path) => ({
      path,
      message: `cannot be kept with provider ${name}: ${unbudgeted}. Remove it, or choose another provider: pulumi config rm --path gateway.provider`,
    }));
  return [
    ...(budget === undefined ? [] : withoutAmount(budget, ofAgents.length > 0)),
    ...(paths.length === 0 ? [] : agents.flatMap(namedAll)),
  ];
}

function notMetered(variant: Variant): string {
  const fixes = [
    `pulumi config set --path gateway.path ${otherPaths(variant).join("|")}`,
    ...meteredModes(variant).map((mode) => `pulumi config set --path gateway.mode ${mode}`),
  ];
  return (
    `cannot be kept on path ${inConfig(variant)}, where the gateway does not see what a request costs: ` +
    `remove it, or choose another path${fixes.length > 1 ? " or mode" : ""}: ${fixes.join(", or ")}`
  );
}

/** The other paths that are metered. */
function otherPaths({ path }: Variant): string[] {
  return variants
    .filter((other) => isMetered(other) && other.path !== path)
    .map((other) => other.path);
}

/** The modes of the same path that are metered. */
function meteredModes({ path }: Variant): string[] {
  return variantsOf(path).flatMap((other) =>
    isMetered(other) && other.mode !== undefined ? [other.mode.name] : [],
  );
}

/** `budget` needs an amount, unless `onFailure` is for the agents' own budgets. */
function withoutAmount(budget: NonNullable<Budget>, agentsHaveBudgets: boolean): Finding[] {
  if (budget.usdPerDay !== undefined || budget.usdPer30Days !== undefined) return [];
  const { onFailure } = budget;
  if (onFailure !== undefined && agentsHaveBudgets) return [];
  return [
    {
      path: ["budget"],
      message:
        (onFailure === undefined
          ? "has no amount"
          : "has onFailure, but neither it nor an agent has an amount") +
        ": set usdPerDay, usdPer30Days or both: pulumi config set --path budget.usdPerDay 50",
    },
  ];
}

function namedAll(agent: { readonly name?: string } | null, index: number): Finding[] {
  return agent?.name === ALL_AGENTS
    ? [
        {
          path: ["agents", String(index), "name"],
          message:
            "is what budgets call all agents together: choose another name, or remove the budgets",
        },
      ]
    : [];
}
