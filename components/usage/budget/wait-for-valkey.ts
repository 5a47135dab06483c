import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { restrictedContainer } from "../../kubernetes/restricted.ts";

/** Connects to `argv[1]:argv[2]` until that succeeds. */
const SCRIPT = `const net = require("node:net");
const [host, port] = process.argv.slice(1);
const attempt = () => {
  const socket = net.connect({ host, port: Number(port), timeout: 2000 });
  socket.on("connect", () => process.exit(0));
  socket.on("timeout", () => socket.destroy());
  socket.on("error", () => undefined);
  socket.on("close", () => setTimeout(attempt, 500));
};
attempt();
`;

/**
 * Waits until Valkey accepts connections. The rate-limit service ends if Valkey is absent when it starts, and Kubernetes
 * would wait up to five minutes before it starts it again.
 */
export function waitForValkey(args: {
  /** Image of Node. */
  readonly image: string;
  /** `host:port` of Valkey. */
  readonly endpoint: pulumi.Output<string>;
}): k8s.types.input.core.v1.Container {
  return {
    name: "wait-for-valkey",
    image: args.image,
    command: args.endpoint.apply((endpoint) => waitCommand(endpoint)),
    securityContext: restrictedContainer,
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "1", memory: "128Mi" } },
  };
}

/** The command that waits for `host:port`. */
export function waitCommand(endpoint: string): string[] {
  return ["node", "-e", SCRIPT, "--", ...endpoint.split(":")];
}
