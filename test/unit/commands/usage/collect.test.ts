import { describe, expect, test } from "vitest";
import { BadInput } from "../../../../cli/command-line.ts";
import { collect } from "../../../../commands/usage/collect.ts";

const NOW = Date.parse("2026-11-25T14:20:00.000Z");
/** 2026-11-25T00:00:00Z, and the last multiple of 30 days. */
const DAY = 1_795_564_800;
const MONTH = 1_793_664_000;

const recorded = {
  date: "2026-11-25",
  agent: "dev-e",
  model: "claude-haiku-4-5",
  requests: 3,
  refused: 1,
  tokens: { input: 10, output: 5, cacheRead: 3, cacheWrite5m: 2, cacheWrite1h: 1 },
  cost: 0.000123,
  estimated: 1,
};

const clean = { malformed: 0, shrunk: 0 };

function entry(agent: string, unit: string, units: number) {
  return { key: "agent", value: agent, rate_limit: { unit, requests_per_unit: units } };
}

const limits = {
  domain: "agents",
  descriptors: [
    {
      key: "window",
      value: "day",
      descriptors: [entry("all", "day", 199_999), entry("dev-e", "day", 4_999)],
    },
    { key: "window", value: "30days", descriptors: [entry("dev-e", "month", 99_999)] },
  ],
};

function pod(name: string, fields: { phase?: string; deletionTimestamp?: string } = {}) {
  const { phase = "Running", ...metadata } = fields;
  return { metadata: { name, ...metadata }, status: { phase } };
}

type Answers = Readonly<Record<string, string | Error>>;

const ANSWERS: Answers = {
  "get namespaces": "namespace/team-gateway\n",
  "role=usage": JSON.stringify({ items: [pod("usage-1")] }),
  "record.mjs report": JSON.stringify({ days: [{ ...recorded, unmetered: 0 }], problems: clean }),
  "get configmap": "",
  "role=valkey": JSON.stringify({ items: [pod("valkey-0")] }),
  "valkey-cli MGET": "12345\n4999\n\n",
};

/** A cluster that gives prepared answers, by a part of the command. */
function cluster(answers: Answers = {}) {
  const commands: string[] = [];
  const all = Object.entries({ ...ANSWERS, ...answers });
  return {
    title: "the cluster of kc.yaml",
    commands,
    kubectl(args: readonly string[]): Promise<string> {
      const command = args.join(" ");
      commands.push(command);
      const [, answer] = all.find(([part]) => command.includes(part)) ?? [];
      if (answer === undefined) throw new Error(`unexpected: ${command}`);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}

const withBudgets = {
  "get configmap": JSON.stringify({ data: { "agents.yaml": JSON.stringify(limits) } }),
};

describe("what npm run usage collects", () => {
  test("is the record's sums, in exactly the shape of --json", async () => {
    const asked = cluster();
    const { report, warnings } = await collect(asked, "team", NOW);
    expect(report).toStrictEqual({ stack: "team", currency: "USD", days: [recorded], budgets: [] });
    expect(warnings).toEqual([]);
    expect(asked.commands).toEqual([
      "get namespaces --selector claude-gateway/stack=team,claude-gateway/role=gateway --output=name",
      "get pods --namespace=team-gateway --selector=claude-gateway/role=usage --sort-by=.metadata.creationTimestamp --output=json",
      "exec --namespace=team-gateway pod/usage-1 --container=usage -- node /etc/usage/record.mjs report",
      "get configmap ratelimit-limits --namespace=team-gateway --ignore-not-found --output=json",
    ]);
  });

  test("has the number of unmetered answers only where there are some", async () => {
    const days = [{ ...recorded, unmetered: 2 }];
    const answers = { "record.mjs report": JSON.stringify({ days, problems: clean }) };
    expect((await collect(cluster(answers), "team", NOW)).report.days).toStrictEqual(days);
  });

  test("has budgets as they are enforced, with the counters of the present windows", async () => {
    const asked = cluster(withBudgets);
    expect((await collect(asked, "team", NOW)).report.budgets).toStrictEqual([
      { agent: "all", window: "day", limit: 2, spent: 0.12345 },
      { agent: "dev-e", window: "day", limit: 0.05, spent: 0.04999 },
      { agent: "dev-e", window: "30days", limit: 1, spent: 0 },
    ]);
    expect(asked.commands.at(-1)).toBe(
      `exec --namespace=team-gateway pod/valkey-0 -- valkey-cli MGET agents_window_day_agent_all_${DAY} agents_window_day_agent_dev-e_${DAY} agents_window_30days_agent_dev-e_${MONTH}`,
    );
  });

  test("comes from the newest pod that runs and does not end", async () => {
    const items = [
      pod("usage-old"),
      pod("usage-new"),
      pod("usage-ends", { deletionTimestamp: "2026-11-25T14:00:00Z" }),
      pod("usage-waits", { phase: "Pending" }),
    ];
    const asked = cluster({ "role=usage": JSON.stringify({ items }) });
    await collect(asked, "team", NOW);
    expect(asked.commands[2]).toContain(" pod/usage-new ");
  });

  test("comes with a warning for everything that is missing", async () => {
    const answer = { days: [], problems: { malformed: 3, shrunk: 1 }, error: "ENOSPC: disk full" };
    const asked = cluster({ "record.mjs report": JSON.stringify(answer) });
    expect((await collect(asked, "team", NOW)).warnings).toEqual([
      "The newest requests are missing: ENOSPC: disk full.",
      "3 lines of the record could not be read and are left out.",
      "1 times a file of the record lost its end.",
    ]);
  });
});

describe("npm run usage says what to do", () => {
  test.each<[string, Answers, string]>([
    [
      "if the cluster does not answer",
      { "get namespaces": new Error("kubectl failed:\nwarning\nconnection refused\n") },
      "the cluster of kc.yaml does not answer: connection refused",
    ],
    [
      "if the stack is not deployed",
      { "get namespaces": "\n" },
      "stack team has no namespace on the cluster of kc.yaml. Deploy it: pulumi up -s team",
    ],
    [
      "if an older version deployed the stack",
      { "role=usage": JSON.stringify({ items: [] }) },
      "stack team has no record of usage: it was deployed by an older version. Deploy it again: pulumi up -s team",
    ],
    [
      "if the record's pod does not run",
      { "role=usage": JSON.stringify({ items: [pod("usage-1", { phase: "Pending" })] }) },
      "no pod with the role usage runs in namespace team-gateway. See why: kubectl describe pods -n team-gateway -l claude-gateway/role=usage",
    ],
    [
      "if nothing counts the budgets",
      { ...withBudgets, "role=valkey": JSON.stringify({ items: [] }) },
      "stack team has budgets, but no Valkey that counts them. Deploy it again: pulumi up -s team",
    ],
  ])("%s", async (_, answers, message) => {
    const asked = collect(cluster(answers), "team", NOW);
    await expect(asked).rejects.toThrow(BadInput);
    await expect(asked).rejects.toThrow(message);
  });
});
