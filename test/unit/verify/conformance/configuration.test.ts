import { describe, expect, test } from "vitest";
import {
  judgeIdleLimits,
  judgeRetries,
  judgeTotalLimits,
} from "../../../verify/conformance/checks/configuration.ts";
import {
  type Limit,
  liteLlmConfiguration,
  type Retries,
} from "../../../verify/conformance/checks/running-configuration.ts";

const limit = (kind: Limit["kind"], seconds: number): Limit => ({
  process: "envoy",
  where: "listener agents: stream_idle_timeout",
  kind,
  seconds,
});
const retries = (on: string, attempts: number): Retries => ({
  process: "envoy",
  where: "route /anthropic/v1/messages",
  on,
  attempts,
});
const running = (...limits: Limit[]) => ({ limits, retries: [] });

describe("idle limits", () => {
  test.each([0, 301, 900])("%i s passes (0 means no limit)", (seconds) => {
    expect(judgeIdleLimits(running(limit("idle", seconds)))).toMatchObject({ kept: true });
  });

  test.each([1, 60, 300])("%i s is too short", (seconds) => {
    expect(judgeIdleLimits(running(limit("idle", 900), limit("idle", seconds)))).toEqual({
      kept: false,
      loss: "short",
      evidence: `at most 300 s: envoy listener agents: stream_idle_timeout ${seconds} s`,
    });
  });

  test("the check fails if no limit is found", () => {
    expect(judgeIdleLimits(running(limit("total", 0)))).toMatchObject({ loss: "unknown" });
  });
});

test("a request may take 600 s, and a shorter limit fails", () => {
  expect(judgeTotalLimits(running(limit("total", 600), limit("total", 0)))).toMatchObject({
    kept: true,
  });
  expect(judgeTotalLimits(running(limit("total", 599)))).toMatchObject({ loss: "short" });
  expect(judgeTotalLimits(running(limit("total", 15)))).toMatchObject({ loss: "short" });
});

test("the check fails if no configuration is found", () => {
  const nothing = { limits: [], retries: [] };
  for (const judge of [judgeIdleLimits, judgeTotalLimits, judgeRetries]) {
    expect(judge(nothing)).toMatchObject({ kept: false, loss: "unknown" });
  }
});

describe("retries", () => {
  test("retries of connections that were never made pass", () => {
    const configuration = { limits: [], retries: [retries("connect-failure", 2)] };
    expect(judgeRetries(configuration)).toMatchObject({ kept: true });
  });

  test.each(["5xx", "connect-failure,reset", "retriable-status-codes"])("on %s repeat", (on) => {
    const configuration = { limits: [], retries: [retries(on, 1)] };
    expect(judgeRetries(configuration)).toMatchObject({ kept: false, loss: "repeats" });
    expect(judgeRetries({ limits: [], retries: [retries(on, 0)] })).toMatchObject({ kept: true });
  });
});

test("LiteLLM's answer is read with LiteLLM's defaults", () => {
  const read = (answer: object) => {
    const { limits, retries } = liteLlmConfiguration(JSON.stringify(answer));
    return [limits[0]?.seconds, retries[0]?.attempts];
  };
  expect(read({ pass_through_request_timeout: 900, num_retries: 3 })).toEqual([900, 3]);
  expect(read({ pass_through_request_timeout: null, num_retries: null })).toEqual([600, 0]);
});
