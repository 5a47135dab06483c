// The start gate, first init container of an agent's pod. A cluster enforces a new pod's NetworkPolicies shortly after
// the pod starts, or never. The gate exits with 0 once it sees that they are enforced for its own pod. Otherwise it
// fails with a message, which becomes the container's termination message. It has no dependencies, because it runs from
// a ConfigMap on a plain Node image.
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const ADDRESS = process.env.PROBE_ADDRESS ?? "";
const OPEN_PORT = number("OPEN_PORT");
const SHUT_PORT = number("SHUT_PORT");
const PATIENCE_SECONDS = number("PATIENCE_SECONDS");

/** How many rounds in a row must find the one port open and the other shut. */
const ROUNDS = 10;
const PAUSE_MS = 50;
const DIAL_MS = 500;

if (net.isIP(ADDRESS) === 0)
  throw new Error(`PROBE_ADDRESS must be an IP address, but is ${JSON.stringify(ADDRESS)}`);

const deadline = Date.now() + PATIENCE_SECONDS * 1000;
let rounds = 0;
let problem;
while (rounds < ROUNDS) {
  if (Date.now() > deadline) {
    console.error(`egress-gate: gave up after ${PATIENCE_SECONDS} s: ${problem}`);
    process.exit(1);
  }
  // Both ports in one round: if neither answers, the probe may be down, and the shut port proves nothing.
  const [open, shut] = await Promise.all([dial(OPEN_PORT), dial(SHUT_PORT)]);
  if (shut.answered) {
    problem = `port ${SHUT_PORT} of the probe can be reached, so the cluster does not enforce this pod's NetworkPolicies`;
  } else if (!open.answered) {
    problem = `port ${OPEN_PORT} of the probe cannot be reached (${open.error}): is the pod labelled as an agent, and does the probe run?`;
  }
  rounds = open.answered && !shut.answered ? rounds + 1 : 0;
  await sleep(PAUSE_MS);
}

function dial(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: ADDRESS, port });
    const end = (result) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(DIAL_MS, () => end({ answered: false, error: "timeout" }));
    socket.once("connect", () => end({ answered: true }));
    socket.once("error", (error) => end({ answered: false, error: error.code }));
  });
}

function number(name) {
  const value = Number(process.env[name]);
  if (!(value > 0))
    throw new Error(
      `${name} must be a number above 0, but is ${JSON.stringify(process.env[name])}`,
    );
  return value;
}
