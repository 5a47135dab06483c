import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { type Lab, runInLab } from "../lab/cluster/index.ts";

/** Tells the lab's policy controller something (`off`, `delay 0s`, `delay never`); it is in force when this returns. */
export async function tellPolicyController(lab: Lab, command: string): Promise<void> {
  const socket = createConnection(lab.netpolSocket);
  socket.write(`${command}\n`);
  const answer = JSON.parse(await text(socket)) as { error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
}

/** Takes the node's firewall away. */
export async function removeNodeFirewall(lab: Lab): Promise<void> {
  await runInLab(lab, ["nft", "delete", "table", "inet", "node-firewall"], { cwd: "/" });
}

/** Loads the node's firewall again. */
export async function loadNodeFirewall(lab: Lab): Promise<void> {
  const file = join(lab.dir, "etc/node-firewall.nft");
  await runInLab(lab, ["nft", "-f", file], { cwd: "/" });
}

/** Does something with rings taken away, and puts them back. */
export async function without<T>(
  lab: Lab,
  rings: readonly ("policy" | "firewall")[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    if (rings.includes("policy")) await tellPolicyController(lab, "off");
    if (rings.includes("firewall")) await removeNodeFirewall(lab);
    return await work();
  } finally {
    await tellPolicyController(lab, "delay 0s");
    await loadNodeFirewall(lab);
  }
}
