import * as pulumi from "@pulumi/pulumi";
import { ports } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { ServedWorkload, type ServedWorkloadArgs } from "../../kubernetes/served-workload.ts";
import { withoutDns } from "../../kubernetes/without-dns.ts";
import type { BudgetLimits } from "./limits.ts";
import { budgetLabels, ratelimitPolicy } from "./policy.ts";
import { renderLimits } from "./ratelimit-config.ts";
import { LIMITS_FOLDER, ratelimitEnvironment } from "./ratelimit-environment.ts";
import { waitForValkey } from "./wait-for-valkey.ts";

export interface RatelimitArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  readonly images: {
    readonly ratelimit: string;
    /** For the container that waits for Valkey. */
    readonly node: string;
  };
  /** The limits. A change of them needs no new pod. */
  readonly limits: BudgetLimits;
  /** `host:port` of Valkey: an address, because the pod has no DNS. */
  readonly valkey: pulumi.Output<string>;
}

/** Name of the Service. */
export const RATELIMIT_SERVICE = "ratelimit";

/** Name of the ConfigMap with the limits. `npm run usage` reads it. */
export const RATELIMIT_LIMITS = `${RATELIMIT_SERVICE}-limits`;

const RUNTIME = "/etc/ratelimit";
const USER = 65_532;

/** Envoy's rate-limit service: it counts what agents spend, and says whose budget is spent. */
export class Ratelimit extends ServedWorkload {
  constructor(name: string, args: RatelimitArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:usage:Ratelimit", name, ratelimitWorkload(args), opts);
  }
}

function ratelimitWorkload(args: RatelimitArgs): ServedWorkloadArgs {
  return {
    namespace: args.namespace,
    objectName: RATELIMIT_SERVICE,
    labels: budgetLabels("ratelimit"),
    policy: ratelimitPolicy(),
    user: USER,
    files: [
      {
        volume: "limits",
        objectName: RATELIMIT_LIMITS,
        mountPath: `${RUNTIME}/${LIMITS_FOLDER}`,
        data: renderLimits(args.limits),
      },
    ],
    container: {
      name: "ratelimit",
      image: args.images.ratelimit,
      command: ["/bin/ratelimit"],
      env: args.valkey.apply((valkey) =>
        Object.entries(
          ratelimitEnvironment({
            valkey,
            runtimePath: RUNTIME,
            ports: {
              grpc: ports.ratelimit,
              health: ports.ratelimitHealth,
              metrics: ports.ratelimitMetrics,
            },
          }),
        ).map(([name, value]) => ({ name, value })),
      ),
      ports: [
        { name: "grpc", containerPort: ports.ratelimit },
        { name: "health", containerPort: ports.ratelimitHealth },
        { name: "metrics", containerPort: ports.ratelimitMetrics },
      ],
      securityContext: restrictedContainer,
      resources: {
        requests: { cpu: "50m", memory: "64Mi" },
        limits: { cpu: "1", memory: "192Mi" },
      },
      readinessProbe: { httpGet: { path: "/healthcheck", port: "health" }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: "/healthcheck", port: "health" }, periodSeconds: 10 },
    },
    pod: {
      initContainers: [waitForValkey({ image: args.images.node, endpoint: args.valkey })],
      ...withoutDns,
    },
    ports: [{ name: "grpc", port: ports.ratelimit, targetPort: "grpc" }],
  };
}
