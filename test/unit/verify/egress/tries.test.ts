import { describe, expect, test } from "vitest";
import type { PolicySettings } from "../../../../stacks/deployment.ts";
import type { Attempt, Surroundings } from "../../../verify/egress/attempt.ts";
import { NO_SETTINGS } from "../../../verify/egress/in-force.ts";
import { attempts, judge, measureAttempts } from "../../../verify/egress/measure.ts";
import { tryAttempts, wavesOf } from "../../../verify/egress/tries.ts";
import { arrivalKey, type Counts, type Witness } from "../../../verify/egress/witness.ts";
import type { Target } from "../../../lab/target.ts";

const around = {
  variant: "shim",
  agent: "dev-e",
  gatewayNamespace: "llm",
  settings: NO_SETTINGS,
  visitor: { namespace: "guest" },
} as Surroundings;

const to = (id: string, port: number, more: Partial<Attempt> = {}): Attempt => ({
  ...{ id, title: id, expected: "blocked", rings: ["policy"], python: () => "return 1" },
  arrives: { protocol: "tcp", address: "1.1.1.1", port },
  ...more,
});

/** A cluster in which every try has the same result, and the container of each try. */
function target(said: { through: boolean; said: string }) {
  const containers: string[] = [];
  const kubectl: Target["kubectl"] = (args, options) => {
    containers.push(args.slice(2, args.indexOf("--")).join(" "));
    const tries = (options?.input as string).match(/^def try_/gm) ?? [];
    return Promise.resolve(JSON.stringify(tries.map(() => said)));
  };
  return { target: { kubectl } as Target, containers };
}

/** An outside that returns the given counts, one after another. */
function witness(...counts: Partial<Record<"arrivals" | "lookUps", unknown>>[]): Witness {
  const next = () => ({ arrivals: new Map(), lookUps: "", ...counts.shift() }) as Counts;
  return { counts: () => Promise.resolve(next()) } as unknown as Witness;
}

const held = { through: false, said: "refused" };

describe("attempts", () => {
  test("have unique ids", () => {
    const ids = attempts.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  test("run in parallel only if the outside can tell them apart", () => {
    const waves = wavesOf(attempts);
    expect(waves.flat()).toHaveLength(attempts.length);
    expect(new Set(waves.flat())).toEqual(new Set(attempts));
    for (const wave of waves) {
      const aims = wave.flatMap(({ arrives }) => (arrives ? [arrivalKey(arrives)] : []));
      expect(aims).toEqual([...new Set(aims)]);
    }
    // Of the rows about server fetches, a stack has only those for its setting.
    expect(waves.length).toBeLessThan(17);
    for (const attempt of attempts.filter(({ alone }) => alone))
      expect(waves).toContainEqual([attempt]);
  });

  test("during which the gateway connects to its upstream do not hide those that connect there themselves", () => {
    const direct = attempts.filter(({ id }) => id === "direct.upstream");
    const relayed = attempts.filter((attempt) => attempt.relayed);
    expect(direct).toHaveLength(1);
    expect(relayed.length).toBeGreaterThan(0);
    for (const attempt of relayed) expect(wavesOf([...direct, attempt])).toHaveLength(2);
  });

  test("run in the containers that they name", async () => {
    const { target: cluster, containers } = target(held);
    await tryAttempts(
      [to("a", 1), to("b", 2, { from: "litellm" }), to("c", 3, { from: "visitor" })],
      around,
      {
        target: cluster,
      },
    );
    expect(containers).toEqual([
      "--namespace=dev-e service/runner --container=runner",
      "--namespace=llm service/gateway --container=litellm",
      "--namespace=guest pod/visitor",
    ]);
  });
});

describe("what arrived outside", () => {
  test("is reported for the attempt that aimed there, without the cluster's own look-ups", async () => {
    const [first, second] = [to("first", 443), to("second", 80)];
    const { of, unaccounted } = await tryAttempts([first, second], around, {
      target: target(held).target,
      witness: witness(
        { arrivals: new Map([["tcp 1.1.1.1 443", 7]]) },
        {
          arrivals: new Map([
            ["tcp 1.1.1.1 443", 7],
            ["tcp 1.1.1.1 80", 2],
            ["udp 169.254.169.254 53", 9],
            ["tcp 9.9.9.9 22", 1],
          ]),
        },
      ),
    });
    expect(of.get(first)?.arrived).toEqual([]);
    expect(of.get(second)?.arrived).toEqual(["2 × tcp 1.1.1.1 80"]);
    expect(unaccounted).toEqual(["1 × tcp 9.9.9.9 22"]);
  });

  test("excludes what arrives at the stack's own OTLP receiver, and at no other", async () => {
    const receiver = "tcp 93.184.215.14 443";
    const unaccounted = async (settings: PolicySettings) => {
      const means = {
        target: target(held).target,
        witness: witness({}, { arrivals: new Map([[receiver, 1]]) }),
      };
      return (await tryAttempts([to("a", 443)], { ...around, settings }, means)).unaccounted;
    };
    expect(await unaccounted(NO_SETTINGS)).toEqual([`1 × ${receiver}`]);
    for (const [otlpEndpoint, expected] of [
      ["https://otlp.example.com/base", []],
      ["https://github.com", [`1 × ${receiver}`]],
      ["http://collector.observability.svc.cluster.local:4318", [`1 × ${receiver}`]],
    ] as const)
      expect(await unaccounted({ ...NO_SETTINGS, otlpEndpoint })).toEqual(expected);
  });

  test("includes a look-up that carried data", async () => {
    let label = "";
    const lookUp: Attempt = {
      ...{ id: "look-up", title: "", expected: "blocked", rings: ["dns"] },
      python: (_, nonce) => `return "${(label = nonce)}"`,
    };
    const seen = {
      counts: () => Promise.resolve({ arrivals: new Map(), lookUps: label && `A ${label}.x. NX` }),
    } as unknown as Witness;
    const { of } = await tryAttempts([lookUp], around, {
      target: target(held).target,
      witness: seen,
    });
    expect(of.get(lookUp)?.arrived).toEqual(["the look-up"]);
  });

  test("fails a separate check if no attempt aimed there", async () => {
    const checks = await measureAttempts([to("a", 443)], around, {
      target: target(held).target,
      witness: witness({}, { arrivals: new Map([["tcp 9.9.9.9 22", 1]]) }),
    });
    expect(checks.map(({ id, status }) => [id, status])).toEqual([
      ["a", "pass"],
      ["elsewhere", "fail"],
    ]);
  });
});

describe("a try", () => {
  const blocked = { expected: "blocked" } as const;
  const limit = { expected: "limit", reason: "because" } as const;
  const nothing = { through: false, said: "refused", arrived: [] };

  test.each([
    ["blocked", blocked, nothing, "pass", "outside arrived nothing; refused"],
    ["through", blocked, { ...nothing, through: true }, "fail", "outside arrived nothing; refused"],
    [
      "blocked in the agent's view, but a packet got out",
      blocked,
      { ...nothing, arrived: ["1 × x"] },
      "fail",
      "outside arrived 1 × x; refused",
    ],
    ["at a limit", limit, { ...nothing, through: true }, "known-loss", "because"],
    ["at a limit that is blocked here", limit, nothing, "pass", "outside arrived nothing; refused"],
  ] as const)("the status of an attempt that is %s", (_, attempt, came, status, evidence) => {
    expect(judge(attempt, came, true)).toEqual({ status, evidence });
  });

  test("that cannot run says why", async () => {
    const checks = await measureAttempts(
      [
        to("other path", 1, { variants: ["litellm"] }),
        to("no IPv6", 2, { skip: () => "no IPv6 here" }),
        to("no scripting", 3, { upstream: () => Promise.resolve() }),
      ],
      around,
      { target: target(held).target },
    );
    expect(checks.map(({ status, evidence }) => [status, evidence])).toEqual([
      ["not-applicable", "path shim has no such thing"],
      ["skipped", "no IPv6 here"],
      ["skipped", "needs an upstream that can be scripted"],
    ]);
  });
});
