import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { serviceAddress } from "../../service-address.ts";
import { readFileSync } from "node:fs";
import { contentHash } from "../../hash.ts";
import { labelKeys } from "../../labels.ts";
import { restrictedContainer } from "../../restricted.ts";
import { ownPod, singlePod } from "../../single-pod.ts";
import { probePolicy } from "../policies.ts";
import { networkPolicy } from "../policy.ts";
import { probePorts } from "./gate.ts";

export interface ProbeArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Image with Node. */
  readonly image: string;
  /** Labels that every namespace of the stack's agents has. */
  readonly agentNamespaces: Record<string, string>;
}

const NAME = "egress-probe";
const MOUNT = "/etc/egress-probe";
const SCRIPT = "probe.mjs";
const USER = 65_534;

/** The pod that start gates dial. */
export class Probe extends pulumi.ComponentResource {
  /** Address of its Service. */
  readonly address: pulumi.Output<string>;
  /** The Service: to depend on it is to wait until the probe listens. */
  readonly service: k8s.core.v1.Service;

  constructor(name: string, args: ProbeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:egress:Probe", name, {}, opts);
    const { namespace, agentNamespaces } = args;
    const files = { [SCRIPT]: readFileSync(new URL(SCRIPT, import.meta.url), "utf8") };

    const script = new k8s.core.v1.ConfigMap(
      `${name}-script`,
      { metadata: { namespace, name: NAME }, data: files },
      { parent: this },
    );
    const policy = networkPolicy(
      `${name}-policy`,
      { namespace, policyName: NAME, spec: probePolicy({ agentNamespaces }) },
      { parent: this },
    );

    const { deployment, selector } = singlePod(
      `${name}-deployment`,
      ownPod({
        namespace,
        labels: { [labelKeys.role]: "probe" },
        annotations: { "claude-gateway/script-hash": contentHash(JSON.stringify(files)) },
        user: USER,
        pod: {
          terminationGracePeriodSeconds: 5,
          containers: [
            {
              name: "probe",
              image: args.image,
              command: ["node", `${MOUNT}/${SCRIPT}`],
              env: [
                { name: "OPEN_PORT", value: String(probePorts.open) },
                { name: "SHUT_PORT", value: String(probePorts.shut) },
              ],
              ports: [
                { name: "open", containerPort: probePorts.open },
                { name: "shut", containerPort: probePorts.shut },
              ],
              securityContext: restrictedContainer,
              resources: {
                requests: { cpu: "5m", memory: "32Mi" },
                limits: { memory: "128Mi" },
              },
              readinessProbe: { tcpSocket: { port: "open" }, periodSeconds: 2 },
              // A gate must never take a port for shut that nobody serves.
              livenessProbe: { tcpSocket: { port: "shut" }, periodSeconds: 10 },
              volumeMounts: [{ name: "script", mountPath: MOUNT, readOnly: true }],
            },
          ],
          volumes: [{ name: "script", configMap: { name: script.metadata.name } }],
        },
      }),
      { parent: this, dependsOn: [policy] },
    );

    const service = new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: { namespace, name: NAME, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          selector,
          ports: [
            { name: "open", port: probePorts.open, targetPort: "open" },
            { name: "shut", port: probePorts.shut, targetPort: "shut" },
          ],
        },
      },
      { parent: this, dependsOn: [deployment] },
    );
    this.service = service;
    this.address = serviceAddress(service);

    this.registerOutputs({ address: this.address });
  }
}
