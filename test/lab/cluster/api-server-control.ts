import { startAgain, stopDaemon } from "./daemons.ts";
import type { Lab } from "./lab.ts";
import { apiServerReady } from "./start.ts";

const NAME = "kube-apiserver";

// By default it waits much longer for watches to end.
const GRACE_SECONDS = 2;

/** Stops the API server, for tests of an unreachable API server. */
export async function stopApiServer(lab: Lab): Promise<void> {
  await stopDaemon(lab, NAME, GRACE_SECONDS);
}

/** Starts the API server again and waits until it answers. */
export async function startApiServer(lab: Lab): Promise<void> {
  await startAgain(lab, NAME);
  await apiServerReady(lab);
}

/** Restarts the API server and waits until it answers. */
export async function restartApiServer(lab: Lab): Promise<void> {
  await stopApiServer(lab);
  await startApiServer(lab);
}
