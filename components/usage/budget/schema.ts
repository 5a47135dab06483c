import { z } from "zod";
import { MAX_USD, type OnFailure, USD_DECIMALS } from "./limits.ts";

const PLAIN = "write a plain number, for example 5 or 0.05";

/** Why a value is not an amount; `undefined` when it is one. `pulumi config set --path … 0.05` stores text. */
function usdProblem(value: unknown): string | undefined {
  const text = typeof value === "number" ? plainText(value) : value;
  if (typeof text !== "string" || !/^-?\d+(\.\d+)?$/.test(text)) {
    return `is not an amount in US dollars: ${PLAIN}`;
  }
  const usd = Number(text);
  if (usd <= 0) return "is not above 0: remove the agent instead if it may spend nothing";
  if (usd > MAX_USD) {
    return `is more than ${MAX_USD} US dollars, the most that can be counted: write a smaller amount`;
  }
  const [, decimals = ""] = text.split(".");
  return decimals.replace(/0+$/, "").length > USD_DECIMALS
    ? `has more than ${USD_DECIMALS} digits after the point, and 0.00001 is the smallest unit: round it`
    : undefined;
}

/** A number without an exponent, which JavaScript writes below 0.000001. */
function plainText(value: number): string {
  return value !== 0 && Math.abs(value) < 0.000001 ? value.toFixed(20) : String(value);
}

/** An amount in US dollars, as a number or as text. */
const Usd = z
  .unknown()
  .meta({ type: ["number", "string"] })
  .transform((value, context) => {
    const message = usdProblem(value);
    if (message === undefined) return Number(value);
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

const amounts = {
  usdPerDay: Usd.optional().describe(
    "US dollars that may be spent a day. A day ends at midnight UTC. Default: no limit.",
  ),
  usdPer30Days: Usd.optional().describe(
    "US dollars that may be spent in 30 days, counted from 1970-01-01 UTC. Default: no limit.",
  ),
};

/** `agents[].budget`: what one agent may spend. */
export const AgentBudgetConfig = z
  .strictObject(amounts)
  .refine(({ usdPerDay, usdPer30Days }) => (usdPerDay ?? usdPer30Days) !== undefined, {
    message:
      "has no amount: set usdPerDay, usdPer30Days or both, for example pulumi config set --path 'agents[0].budget.usdPerDay' 5",
  })
  .describe("What the agent may spend. Only on paths on which Envoy sees the answers.");

/** `budget`: what all agents together may spend. A check between sections says when it needs an amount. */
export const BudgetConfig = z
  .strictObject({
    ...amounts,
    onFailure: z
      .enum(["refuse", "allow"] satisfies OnFailure[])
      .optional()
      .describe(
        "A request whose budget cannot be checked: `refuse` answers 503, which clients retry; `allow` lets it through without charging it. Default refuse.",
      ),
  })
  .describe("What all agents together may spend. Only on paths on which Envoy sees the answers.");
