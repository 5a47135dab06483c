import type { Attempt } from "../attempt.ts";

/** What must not be possible in an agent's own container. */
export const itself: readonly Attempt[] = [
  {
    id: "self.service-account",
    title: "a service account's token in the agent's container",
    expected: "blocked",
    rings: ["admission"],
    python: () => `open("/var/run/secrets/kubernetes.io/serviceaccount/token").close()
    return "read it"`,
  },
  {
    id: "self.raw-socket",
    title: "a raw socket, for packets with a forged source address",
    expected: "blocked",
    rings: ["admission", "pod-security"],
    python: () => `socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW).close()
    return "opened one"`,
  },
];
