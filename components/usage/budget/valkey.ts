import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ports } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { internalService, serviceAddress } from "../../kubernetes/service.ts";
import { statefulWorkload } from "../../kubernetes/stateful-workload.ts";
import { volumeClaim } from "../../kubernetes/volume-claim.ts";
import { withoutDns } from "../../kubernetes/without-dns.ts";
import { budgetLabels, valkeyPolicy } from "./policy.ts";
import { valkeyCommand } from "./valkey-command.ts";

export interface ValkeyArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Image of Valkey. */
  readonly image: string;
}

const NAME = "valkey";
const DATA = "/data";
/** The user of Valkey's image. */
const USER = 999;

/** Where the counts of the budgets are: one pod with a volume. They survive every restart of the pod. */
export class Valkey extends pulumi.ComponentResource {
  /** `host:port`, with the address of the Service, because its caller has no DNS. */
  readonly endpoint: pulumi.Output<string>;
  /** The StatefulSet. A resource that depends on it waits until the pod is Ready. */
  readonly statefulSet: k8s.apps.v1.StatefulSet;

  constructor(name: string, args: ValkeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:usage:Valkey", name, {}, opts);
    const { namespace, image } = args;

    const claim = volumeClaim(
      `${name}-claim`,
      { namespace, claimName: NAME, size: "1Gi" },
      { parent: this },
    );

    this.statefulSet = statefulWorkload(
      name,
      {
        namespace,
        objectName: NAME,
        labels: budgetLabels("valkey"),
        policy: valkeyPolicy(),
        user: USER,
        files: [],
        container: {
          name: NAME,
          image,
          command: valkeyCommand({ dataPath: DATA, port: ports.valkey }),
          ports: [{ name: "valkey", containerPort: ports.valkey }],
          securityContext: restrictedContainer,
          // A rewrite of the file needs up to the same memory again.
          resources: {
            requests: { cpu: "20m", memory: "32Mi" },
            limits: { cpu: "1", memory: "192Mi" },
          },
          readinessProbe: { tcpSocket: { port: "valkey" }, periodSeconds: 1 },
          livenessProbe: { tcpSocket: { port: "valkey" }, periodSeconds: 10 },
          volumeMounts: [{ name: "data", mountPath: DATA }],
        },
        pod: {
          ...withoutDns,
          volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim.metadata.name } }],
        },
      },
      { parent: this },
    );

    const service = internalService(
      `${name}-service`,
      {
        namespace,
        serviceName: NAME,
        selector: budgetLabels("valkey"),
        ports: [{ name: "valkey", port: ports.valkey, targetPort: "valkey" }],
      },
      { parent: this },
    );
    this.endpoint = pulumi.interpolate`${serviceAddress(service)}:${ports.valkey}`;
    this.registerOutputs({ endpoint: this.endpoint });
  }
}
