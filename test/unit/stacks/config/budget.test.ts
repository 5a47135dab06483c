import { describe, expect, test } from "vitest";
import { gateway, parse, refusal, rejects, spike } from "./stack.ts";

rejects([
  [
    "a budget as text",
    { gateway: { path: "envoy" }, agents: [{ name: "dev-e", budget: { usdPerDay: "$5" } }] },
    '  agents[0].budget.usdPerDay = "$5" is not an amount in US dollars: write a plain number, for example 5 or 0.05',
  ],
  [
    "a negative budget",
    { gateway: { path: "envoy" }, budget: { usdPer30Days: -5 } },
    "  budget.usdPer30Days = -5 is not above 0: remove the agent instead if it may spend nothing",
  ],
  [
    "an absurd budget",
    { gateway: { path: "envoy" }, budget: { usdPerDay: "1000000" } },
    '  budget.usdPerDay = "1000000" is more than 42949 US dollars, the most that can be counted: write a smaller amount',
  ],
  [
    "a budget of an agent without an amount",
    { gateway: { path: "envoy" }, agents: [{ name: "dev-e", budget: {} }] },
    "  agents[0].budget has no amount: set usdPerDay, usdPer30Days or both, for example pulumi config set --path 'agents[0].budget.usdPerDay' 5",
  ],
  [
    "a budget as a number",
    { gateway: { path: "envoy" }, agents: [{ name: "dev-e", budget: 5 }] },
    /^ {2}agents\[0\]\.budget = 5 is not an object: set each value in it by its path/,
  ],
  [
    "an empty common budget",
    { gateway: { path: "envoy" }, budget: {} },
    "  budget has no amount: set usdPerDay, usdPer30Days or both: pulumi config set --path budget.usdPerDay 50",
  ],
  [
    "onFailure without an amount",
    { gateway: { path: "envoy" }, budget: { onFailure: "allow" } },
    "  budget has onFailure, but neither it nor an agent has an amount: set usdPerDay, usdPer30Days or both: pulumi config set --path budget.usdPerDay 50",
  ],
  [
    "an unknown onFailure",
    { gateway: { path: "envoy" }, budget: { usdPerDay: 5, onFailure: "ignore" } },
    '  budget.onFailure = "ignore" is not one of refuse, allow: pulumi config set --path budget.onFailure refuse|allow',
  ],
  [
    "onFailure of one agent",
    {
      gateway: { path: "envoy" },
      agents: [{ name: "dev-e", budget: { usdPerDay: 5, onFailure: "allow" } }],
    },
    /^ {2}agents\[0\]\.budget\.onFailure = "allow" is not a key of this configuration; remove it/,
  ],
  [
    "a budget on bare litellm",
    { budget: { usdPerDay: 5 } },
    "  budget cannot be kept on path litellm, where the gateway does not see what a request costs: remove it, or choose another path: pulumi config set --path gateway.path shim|envoy|hybrid",
  ],
  [
    "an agent's budget on bare litellm",
    { agents: [{ name: "dev-f" }, { name: "dev-e", budget: { usdPerDay: 5 } }] },
    /^ {2}agents\[1\]\.budget cannot be kept on path litellm, where/,
  ],
  [
    "a budget in mode sni",
    {
      gateway: { path: "envoy", mode: "sni" },
      credential: { kind: "apiKey", holder: "agent" },
      budget: { usdPerDay: 5 },
    },
    "  budget cannot be kept on path envoy in mode sni, where the gateway does not see what a request costs: remove it, or choose another path or mode: pulumi config set --path gateway.path shim|hybrid, or pulumi config set --path gateway.mode terminate",
  ],
  [
    "an agent with the name of all, and a budget",
    { gateway: { path: "shim" }, agents: [{ name: "all" }], budget: { usdPerDay: 5 } },
    '  agents[0].name = "all" is what budgets call all agents together: choose another name, or remove the budgets',
  ],
]);

describe("budgets", () => {
  const paths = [{ path: "shim" }, { path: "envoy" }, { path: "hybrid" }];
  test.each(paths)("are accepted on path $path, as text too", ({ path }) => {
    const agents = [{ name: "dev-e", budget: { usdPerDay: "0.05" } }, { name: "dev-f" }];
    // An agent may have more than all together: then the common budget is reached first.
    const budget = { usdPerDay: "0.01", usdPer30Days: 100, onFailure: "allow" };
    expect(parse({ ...gateway, gateway: { path }, agents, budget })).toMatchObject({
      agents: [
        { name: "dev-e", budget: { usdPerDay: 0.05 } },
        { name: "dev-f", tokenGeneration: 1 },
      ],
      budget: { usdPerDay: 0.01, usdPer30Days: 100, onFailure: "allow" },
    });
  });

  test("onFailure alone is for the budgets of agents", () => {
    const agents = [{ name: "dev-e", budget: { usdPerDay: 5 } }];
    const budget = { onFailure: "allow" };
    expect(parse({ ...gateway, gateway: { path: "envoy" }, agents, budget })).toMatchObject({
      budget,
    });
  });

  test("an agent may have the name of all where nobody has a budget", () => {
    const agents = [{ name: "all" }];
    expect(parse({ ...gateway, agents })).toMatchObject({ agents });
  });

  test("a spike may have the common one", () => {
    const budget = { usdPerDay: 5 };
    expect(parse({ ...spike, gateway: { path: "envoy" }, budget })).toMatchObject({ budget });
    expect(refusal({ ...spike, budget })).toEqual([
      expect.stringMatching(/^ {2}budget cannot be kept on path litellm, where/),
    ]);
  });
});
