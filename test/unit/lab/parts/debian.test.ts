import { expect, test } from "vitest";
import { checkMachine, missingPackages } from "../../../lab/parts/debian.ts";

test("a machine without Linux or without root is refused with what to do", () => {
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

test("missing programs are named by their packages, each once", () => {
  expect(missingPackages(() => true)).toEqual([]);
  expect(missingPackages((program) => !["ctr", "containerd", "ip"].includes(program))).toEqual([
    "containerd",
    "iproute2",
  ]);
});
