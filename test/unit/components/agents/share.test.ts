import { expect, test } from "vitest";
import { agentQuota } from "../../../../components/agents/limits.ts";
import { agentShare, shareProblem } from "../../../../components/agents/share.ts";
import { readMachineSize, roomForPods } from "../../../../infra/machine/room.ts";

/** The machine that a host has by default. */
const DEFAULT = { cpus: 4, memoryGb: 16, bootDiskGb: 30 };

test("the room for pods is the machine without what the kubelet reserves and keeps free", () => {
  expect(roomForPods(DEFAULT)).toEqual({
    milliCpus: 4000 - 300,
    memoryMib: 14_112,
    scratchMib: 19_605,
  });
});

test("agents divide the room equally, after the gateway, and one may use the memory of all", () => {
  const room = roomForPods(DEFAULT);
  const share = agentShare(room, 3);
  expect(share).toEqual({
    milliCpus: 900,
    memoryMib: 4021,
    scratchMib: 5852,
    memoryLimitMib: 12_064,
  });
  expect(agentQuota(share).hard).toMatchObject({
    "requests.cpu": "900m",
    "requests.memory": "4021Mi",
    "limits.memory": "12064Mi",
    "requests.ephemeral-storage": "5852Mi",
  });
});

test.each([
  [DEFAULT, 12, undefined],
  [DEFAULT, 13, "each would get 207m of CPU, and needs 220m"],
  [{ ...DEFAULT, cpus: 2, memoryGb: 8 }, 3, undefined],
  [
    { cpus: 2, memoryGb: 4, bootDiskGb: 20 },
    2,
    "each would get 72 MiB of memory, and needs 512 MiB",
  ],
])("%j holds %i agents, or says what they lack", (size, agents, problem) => {
  expect(shareProblem(agentShare(roomForPods(size), agents))).toBe(problem);
});

test("outputs of an older host stack have no size", () => {
  expect(readMachineSize(undefined)).toBeUndefined();
  expect(readMachineSize({ cpus: 4, memoryGb: 16 })).toBeUndefined();
  expect(readMachineSize(DEFAULT)).toEqual(DEFAULT);
});
