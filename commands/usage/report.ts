/** Tokens by how they are priced. */
export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Written to the cache for 5 minutes. */
  readonly cacheWrite5m: number;
  /** Written to the cache for 1 hour. */
  readonly cacheWrite1h: number;
}

/** What an agent used of a model on a day. */
export interface UsageDay {
  /** In UTC; a request belongs to the day on which it ended. */
  readonly date: string;
  readonly agent: string;
  /** `unknown` for requests without one: refused, failed, or on a route that costs nothing. */
  readonly model: string;
  /** All requests, also refused ones. */
  readonly requests: number;
  /** Those that a budget refused. */
  readonly refused: number;
  readonly tokens: Tokens;
  /** In US dollars. */
  readonly cost: number;
  /** How many requests have tokens that were estimated, because the answer did not end. */
  readonly estimated: number;
  /** How many answers could not be read, so that their cost is unknown. Absent if there are none. */
  readonly unmetered?: number;
}

/** A budget as the gateway enforces it. */
export interface UsageBudget {
  /** `all`: all agents together. */
  readonly agent: string;
  readonly window: "day" | "30days";
  /** In US dollars. */
  readonly limit: number;
  /** What enforcement counts in the present window, in US dollars. */
  readonly spent: number;
}

/** What `npm run usage` found; `--json` writes it as it is. */
export interface UsageReport {
  readonly stack: string;
  readonly currency: "USD";
  /** By day, agent and model. */
  readonly days: readonly UsageDay[];
  readonly budgets: readonly UsageBudget[];
}

/** Dollars as text: cents, and hundredths of cents below a dollar. */
export function dollars(amount: number): string {
  return inDollars(amount, 2, amount >= 1 ? 2 : 4);
}

/** Dollars in the column of a table. */
export function dollarCell(amount: number): string {
  return inDollars(amount, 4, 4);
}

function inDollars(amount: number, least: number, most: number): string {
  const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
  return `$${amount.toLocaleString("en-US", digits)}`;
}

/** A count with commas. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** What is left of a budget. */
export function left({ limit, spent }: UsageBudget): number {
  return Math.max(0, limit - spent);
}

/** Name of a window in tables. */
export function windowName(window: UsageBudget["window"]): string {
  return window === "day" ? "day" : "30 days";
}

/** Whose budget it is, in tables. */
export function budgetOwner(agent: string): string {
  return agent === "all" ? "all agents" : agent;
}

/** Numbers of several rows added up. */
export function total(days: readonly UsageDay[], of: (day: UsageDay) => number): number {
  return days.reduce((sum, day) => sum + of(day), 0);
}

/** Money of several rows added up, without the rounding errors of fractions. */
export function totalCost(days: readonly UsageDay[]): number {
  return total(days, ({ cost }) => Math.round(cost * 1e9)) / 1e9;
}
