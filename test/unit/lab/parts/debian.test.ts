import { expect, test } from "vitest";
import { checkMachine, missingPackages } from "../../../lab/parts/debian.ts";

test("a machine without Linux or without root is rejected with the fix", () => {
  expect(() => {
    checkMachine({ platform: "darwin", uid: 0 });
  }).toThrow(/Linux only \(this is darwin\).*--kubeconfig/);
  expect(() => {
    checkMachine({ platform: "linux", uid: 1000 });
  }).toThrow(/needs root.*sudo/);
  expect(() => {
    checkMachine({ platform: "linux", uid: 0 });
  }).not.toThrow();
});

test("each missing package is listed once", () => {
  expect(missingPackages(() => true)).toEqual([]);
  expect(missingPackages((program) => !["ctr", "containerd", "ip"].includes(program))).toEqual([
    "containerd",
    "iproute2",
  ]);
});
