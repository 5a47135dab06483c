// The start gate, first init container of an agent's pod. A new pod's NetworkPolicies are enforced a moment after it
// starts, or never where nothing enforces them; this ends with 0 once they are seen to hold for this very pod, and
// otherwise with a message that becomes the container's termination message. Dependency-free, because it runs from a
// ConfigMap on a plain Node image.
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const ADDRESS = process.env.PROBE_ADDRESS ?? "";
const OPEN_PORT = number("OPEN_PORT");
const SHUT_PORT = number("SHUT_PORT");
const PATIENCE_SECONDS = number("PATIENCE_SECONDS");

/** So many rounds in a row must find the one port open and the other shut. */
const ROUNDS = 10;
const PAUSE_MS = 50;
const DIAL_MS = 500;

if (net.isIP(ADDRESS) === 0)
  throw new Error(`PROBE_ADDRESS is ${JSON.stringify(ADDRESS)}, no IP address`);

const deadline = Date.now() + PATIENCE_SECONDS * 1000;
let rounds = 0;
let problem;
while (rounds < ROUNDS) {
  if (Date.now() > deadline) {
    console.error(`egress-gate: not let through after ${PATIENCE_SECONDS} s: ${problem}`);
    process.exit(1);
  }
  // Both in one round: a port that is shut because nobody is there proves nothing.
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
    throw new Error(`${name} is ${JSON.stringify(process.env[name])}, no number above 0`);
  return value;
}
