import { expect, test } from "vitest";
import { withoutProxies } from "../../../lab/cluster/command.ts";
import { describesNamespaceInit, enterCommand } from "../../../lab/cluster/sandbox.ts";

const status = (state: string, pids: string) => `Name:\ttini\nState:\t${state}\nNSpid:\t${pids}\n`;

test.each([
  ["the first process of a namespace", status("S (sleeping)", "4711\t1"), true],
  ["the same, two namespaces deep", status("S (sleeping)", "4711\t12\t1"), true],
  ["another process of the namespace", status("S (sleeping)", "4712\t11"), false],
  ["the machine's init", status("S (sleeping)", "1"), false],
  ["an ended first process that is a zombie", status("Z (zombie)", "4711\t1"), false],
  ["no process", "", false],
])("%s: %#", (_, text, expected) => {
  expect(describesNamespaceInit(text)).toBe(expected);
});

test("a command for the node enters the sandbox's namespaces", () => {
  expect(enterCommand(42, ["ip", "link"], { netns: "node", cwd: "/src" })).toEqual(
    "nsenter --target=42 --mount --pid --net --ipc --uts --wdns=/src -- ip link".split(" "),
  );
});

test("a command for the internet then enters the internet's network namespace", () => {
  const command = enterCommand(42, ["ip", "link"], { netns: "internet", cwd: "/" });
  expect(command.slice(-5)).toEqual([
    ...["nsenter", "--net=/run/netns/internet", "--"],
    ...["ip", "link"],
  ]);
});

test("the machine's proxy variables are not set in the lab", () => {
  expect(withoutProxies({ HTTPS_PROXY: "a", no_proxy: "b", PATH: "c", PROXY_MODE: "d" })).toEqual({
    PATH: "c",
    PROXY_MODE: "d",
  });
});
