import { describe, expect, test } from "vitest";
import { BadInput } from "../../../cli/command-line.ts";
import { parseOptions } from "../../bench/options.ts";
import { gatewayPod } from "../../bench/program/pods.ts";

describe("npm run bench", () => {
  test("by default measures every part in five rounds and writes no file", () => {
    expect(parseOptions([])).toEqual({
      ...{ parts: ["relay", "program", "hosts", "flood"], rounds: 5 },
      ...{ json: undefined, html: undefined, svg: undefined },
    });
  });

  test("measures one part if --only names it", () => {
    const argv = ["--only", "relay", "--rounds", "7", "--json", "a", "--html", "b", "--svg", "c"];
    expect(parseOptions(argv)).toEqual({
      ...{ parts: ["relay"], rounds: 7, json: "a", html: "b", svg: "c" },
    });
    expect(parseOptions(["--only", "program"])).toMatchObject({ parts: ["program"] });
    expect(parseOptions(["--only", "hosts"])).toMatchObject({ parts: ["hosts"] });
    expect(parseOptions(["--only", "flood"])).toMatchObject({ parts: ["flood"] });
  });

  test.each([
    [["--rounds", "0"], "--rounds 0 is not a whole number from 1 to 100"],
    [["--rounds", "2.5"], "--rounds 2.5 is not a whole number from 1 to 100"],
    [["--only", "both"], "--only both is not one of relay, program, hosts, flood"],
    [["--fast"], "Unknown option '--fast'"],
    [["now"], "Unexpected argument 'now'"],
  ])("refuses %j", (argv, message) => {
    expect(() => parseOptions(argv)).toThrow(BadInput);
    expect(() => parseOptions(argv)).toThrow(message);
  });
});

describe("a pod", () => {
  const pod = (container: string, ready?: string) => ({
    spec: { containers: [{ name: container }] },
    status: {
      startTime: "2026-11-23T05:00:00Z",
      conditions: ready === undefined ? [] : [{ type: "Ready", lastTransitionTime: ready }],
    },
  });

  test("of the gateway is measured from its start until Ready", () => {
    expect(gatewayPod(pod("envoy", "2026-11-23T05:00:07Z"))).toEqual([
      { program: "envoy", secondsToReady: 7, readyAt: Date.parse("2026-11-23T05:00:07Z") },
    ]);
  });

  test("of another kind, or never Ready, is not measured", () => {
    expect(gatewayPod(pod("coredns", "2026-11-23T05:00:07Z"))).toEqual([]);
    expect(gatewayPod(pod("litellm"))).toEqual([]);
  });
});
