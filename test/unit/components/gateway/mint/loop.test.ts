import { expect, test } from "vitest";
import { CallError } from "../../../../../components/gateway/mint/call.mjs";
import { mintConfig } from "../../../../../components/gateway/mint/config.ts";
import { Loop } from "../../../../../components/gateway/mint/loop.mjs";

const CONFIG = mintConfig(
  "upstream",
  { kind: "anthropic", federationRule: "fdrl_1", organization: "o", serviceAccount: "svac_1" },
  "credential",
);

const DAY = 86_400;
const START = 1_000_000;

interface World {
  /** Lifetime that the federation rule sets. */
  readonly ruleSeconds: number;
  /** How long the kubelet takes to replace an assertion of 600 s. */
  readonly kubeletSeconds: number;
  /** When the endpoint is away. */
  readonly outage?: { readonly from: number; readonly until: number };
  /** Seconds that each assertion is old when the kubelet brings it, after the first one. Default 0. */
  readonly oldSeconds?: number;
}

/** Six hours of the loop with Anthropic's rules and the kubelet's rhythm. */
async function run({ ruleSeconds, kubeletSeconds, outage, oldSeconds = 0 }: World) {
  let time = 0;
  let withoutToken = 0;
  let token: string | undefined;
  let ends = 0;
  let served = 0;
  const exchanges: { at: number; assertion: string; lifetimeSeconds: number }[] = [];
  const claimsNow = () => {
    const iat = START + Math.floor(time / kubeletSeconds) * kubeletSeconds;
    const old = iat === START ? 0 : oldSeconds;
    return { iat: iat - old, exp: iat - old + 600, kid: "k" };
  };
  const longestSeconds = ({ exp }: { exp: number }, now: number) => Math.max(60, 2 * (exp - now));
  const loop = new Loop({
    config: CONFIG,
    source: {
      usesAssertion: true,
      singleUse: true,
      longestSeconds,
      tooShort: () => "too short",
      advice: () => "advice",
      mint: ({ text, claims }, now) => {
        if (outage !== undefined && time >= outage.from && time < outage.until) {
          return Promise.reject(new CallError("away", "busy"));
        }
        const lifetimeSeconds = Math.min(ruleSeconds, longestSeconds(claims, now));
        exchanges.push({ at: time, assertion: text, lifetimeSeconds });
        ends = Math.max(ends, time + lifetimeSeconds);
        return Promise.resolve({ token: `token-${exchanges.length}`, lifetimeSeconds });
      },
    },
    store: {
      load: () => ({}),
      save: () => undefined,
      give: (given) => (token = given),
      explain: () => undefined,
    },
    fs: {
      readFileSync: () => {
        const part = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
        return `${part({ kid: "k" })}.${part(claimsNow())}.signature`;
      },
    },
    now: () => START + time,
    uptime: () => time,
    log: () => undefined,
  });
  loop.start();
  while (time < DAY / 4) {
    const wait = Math.min(await loop.step(), loop.end());
    if (token === undefined) withoutToken += wait;
    else served += wait;
    time += wait;
  }
  const used = exchanges.map(({ assertion }) => assertion);
  return { withoutToken, served, exchanges, reused: used.length - new Set(used).size };
}

test.each([
  { ruleSeconds: 900, kubeletSeconds: 480 },
  { ruleSeconds: 900, kubeletSeconds: 570 },
  { ruleSeconds: 1200, kubeletSeconds: 530 },
  { ruleSeconds: 3600, kubeletSeconds: 480 },
  { ruleSeconds: 3600, kubeletSeconds: 570 },
])(
  "with a rule for $ruleSeconds s and an assertion each $kubeletSeconds s, there is always a token",
  async (world) => {
    const { withoutToken, exchanges, reused } = await run(world);
    expect({ withoutToken: Math.round(withoutToken), reused }).toEqual({
      withoutToken: 0,
      reused: 0,
    });
    // As often as there are assertions, and no more.
    expect(exchanges.length).toBeLessThanOrEqual(DAY / 4 / world.kubeletSeconds + 1);
    // An old assertion makes a short token, and would be followed by another soon.
    expect(Math.min(...exchanges.map(({ lifetimeSeconds }) => lifetimeSeconds))).toBeGreaterThan(
      600,
    );
  },
);

test.each([480, 540])(
  "ten minutes without the endpoint leave no agent without a token, whenever they begin (%i s)",
  async (kubeletSeconds) => {
    for (let from = 3600; from < 3600 + 1200; from += 60) {
      const outage = { from, until: from + 600 };
      const { withoutToken, reused } = await run({ ruleSeconds: 3600, kubeletSeconds, outage });
      expect({ from, withoutToken: Math.round(withoutToken), reused }).toEqual({
        from,
        withoutToken: 0,
        reused: 0,
      });
    }
  },
);

test("an assertion that is too old does not replace a token that lives longer", async () => {
  const { exchanges } = await run({ ruleSeconds: 3600, kubeletSeconds: 500, oldSeconds: 450 });
  // The second one has 150 s left, for a token of 300 s, when the first token has 700 s left. The third one comes when it has 200 s.
  expect(exchanges.slice(0, 2).map(({ at }) => Math.round(at))).toEqual([0, 1000]);
});
