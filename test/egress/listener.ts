import type { Target } from "../lab/target.ts";

const PORT = 18_080;

const LISTEN = `
import socket, sys, threading
server = socket.create_server(("", ${PORT}))
def serve():
    while True: server.accept()[0].close()
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
`;

/** Does something while a port of an agent's runner is listened on. */
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
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  const listener = target.kubectl(
    ["exec", "--stdin", here, "deployment/runner", "--", "python3", "-c", LISTEN],
    { input: untilThen(over) },
  );
  try {
    return await Promise.race([work({ address: address.trim(), port: PORT }), listener.then(fail)]);
  } finally {
    end();
    await listener;
  }
}

function fail(): never {
  throw new Error("the listener ended early");
}

// An input of no bytes that stays open until `end`.
async function* untilThen(end: Promise<void>): AsyncIterable<Buffer> {
  await end;
  yield Buffer.alloc(0);
}
