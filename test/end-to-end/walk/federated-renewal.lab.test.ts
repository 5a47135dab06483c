import { afterAll, beforeAll, expect, test } from "vitest";
import { runTurn } from "../../lab/claude.ts";
import { openLab } from "../../lab/cluster/index.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { labTarget } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import {
  AGENT,
  configureFederation,
  helperSays,
  type Means,
  registerRule,
  STACK,
  stackWithKey,
} from "../credentials/federated-stack.ts";
import { endOfLongStream, startLongStream, WHOLE } from "../credentials/long-stream.ts";

/**
 * The renewal with the kubelet's next assertion, which comes after eight minutes. `credentials/federated.lab.test.ts` made
 * the stack, and other tests ran in the meantime. Alone, this file makes the stack and waits.
 */
const progress = lineProgress();

/** The kubelet writes the next assertion after 480 s, and looks at it every 90 s or so. */
const RENEWED = { timeout: 660_000, interval: 5_000 };

let means: Means;
let stack: Stack;

beforeAll(async () => {
  const lab = openLab();
  const target = await labTarget(lab, progress);
  means = { lab, target, control: await ensureUpstream(lab) };
  stack = await stackWithKey(means, progress);
  if (Object.keys(await stack.outputs()).length > 0) return;
  await configureFederation(stack);
  await registerRule(means);
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
  await startLongStream(means);
});

afterAll(async () => {
  await progress.step(`pulumi destroy -s ${STACK}`, () => stack.destroy());
  await stack.remove();
  await means.control.setFederationRules([]);
});

test("the helper renews the token with the kubelet's next assertion, and nothing is refused", async () => {
  // It made or found the first token when it started.
  await expect
    .poll(async () => (await helperSays(means)).length, RENEWED)
    .toBeGreaterThanOrEqual(2);
  const said = (await helperSays(means)).map(({ message }) => message);
  expect(said.slice(1).filter((line) => line !== "new token, good for 900 s")).toEqual([]);
  expect(said[0]).toMatch(/^(found the token again|new token), good for \d+ s$/);
  expect(await means.control.federationEvents()).toEqual([]);
}, 700_000);

test("the stream that was open meanwhile ended whole and later, and the next turn works", async () => {
  const renewal = (await helperSays(means))[1]?.time ?? "";
  const { status, body, endedAt } = await endOfLongStream(means);
  expect({ status, body }).toEqual({ status: "200", body: WHOLE });
  expect(endedAt * 1000).toBeGreaterThan(Date.parse(renewal));
  const turn = await runTurn(means.target, { namespace: AGENT, prompt: "say: renewed" });
  expect(turn).toMatchObject({ is_error: false, result: "renewed" });
}, 700_000);
