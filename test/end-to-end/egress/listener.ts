import { agentConnections } from "../../../components/kubernetes/agent-connections.ts";
import { ports } from "../../../components/kubernetes/ports.ts";
import type { Target } from "../../lab/target.ts";
import type { Surroundings } from "../../verify/egress/attempt.ts";

const PORT = 18_080;

const LISTEN = `
import socket, sys, threading
server = socket.create_server(("", ${PORT}))
def serve():
    while True: server.accept()[0].close()
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
`;

/** Runs a function while a program in an agent's runner listens on a port. */
export async function listening<T>(
  target: Target,
  namespace: string,
  work: (at: { readonly address: string; readonly port: number }) => Promise<T>,
): Promise<T> {
  const here = `--namespace=${namespace}`;
  const address = await target.kubectl([
    ...["get", "pods", here, "--selector=app=runner"],
    "--output=jsonpath={.items[0].status.podIP}",
  ]);
  return besides(target, here, LISTEN, () => work({ address: address.trim(), port: PORT }));
}

const READY = "/tmp/crowding";
const crowd = (address: string) => `
import os, socket, sys
held = [socket.create_connection(("${address}", ${ports.agents}), 5) for _ in range(${agentConnections.perAddress})]
open("${READY}", "w").close()
sys.stdin.read()
os.remove("${READY}")
`;

/** Runs a function while an agent's runner holds the maximum number of idle connections to the gateway. */
export async function crowding<T>(
  target: Target,
  { agent, gatewayAddress }: Pick<Surroundings, "agent" | "gatewayAddress">,
  work: () => Promise<T>,
): Promise<T> {
  const here = `--namespace=${agent}`;
  const wait = `until test -e ${READY}; do sleep 0.1; done`;
  return besides(target, here, crowd(gatewayAddress), async () => {
    await target.kubectl(["exec", here, "service/runner", "--", "sh", "-c", wait]);
    return work();
  });
}

/** Runs a function while a Python program runs in an agent's runner. The program ends when its stdin does. */
async function besides<T>(
  target: Target,
  here: string,
  program: string,
  work: () => Promise<T>,
): Promise<T> {
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  const running = target.kubectl(
    ["exec", "--stdin", here, "service/runner", "--", "python3", "-c", program],
    { input: untilThen(over) },
  );
  try {
    return await Promise.race([work(), running.then(fail)]);
  } finally {
    end();
    await running;
  }
}

function fail(): never {
  throw new Error("the Python program in the runner ended early");
}

// An empty stdin that stays open until `end`.
async function* untilThen(end: Promise<void>): AsyncIterable<Buffer> {
  await end;
  yield Buffer.alloc(0);
}
