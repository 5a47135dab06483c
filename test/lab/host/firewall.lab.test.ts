import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { hostFirewall } from "../../../infra/machine/host-firewall.ts";
import { freshMachine } from "./fresh-machine.ts";
import type { HostMachine } from "./machine.ts";

/** What a pod on the host's machine can reach with any policy. The simulated internet listens on all of these addresses. */
describe("the node firewall as the startup script loads it", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine(hostFirewall()));
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
  });
  afterAll(() => remove());

  /** Whether a TCP connection from there succeeds. */
  async function reaches(
    netns: "machine" | "pod",
    address: string,
    port: number,
  ): Promise<boolean> {
    const connect = `timeout 2 bash -c '</dev/tcp/${address}/${port}'`;
    return (await machine.run(["sh", "-c", connect], { netns })).status === 0;
  }

  const TARGETS = [
    ["the metadata server", "169.254.169.254", 80, false],
    ["the resolver", "169.254.169.254", 53, true],
    ["another resolver", "8.8.8.8", 53, false],
    ["TLS on a public address", "104.16.0.35", 443, true],
    ["SSH on a public address", "104.16.0.35", 22, false],
    ["TLS on a private address", "198.51.100.10", 443, false],
  ] as const;

  it.each(TARGETS)("for a pod and %s (%s port %i): %s", async (_, address, port, open) => {
    expect(await reaches("pod", address, port)).toBe(open);
    expect(await reaches("machine", address, port)).toBe(true);
  });

  it("is the cause: without it everything is open", async () => {
    await machine.run(["nft", "flush", "ruleset"]);
    for (const [, address, port] of TARGETS) {
      expect(await reaches("pod", address, port), address).toBe(true);
    }
  });
});
