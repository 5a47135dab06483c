import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { serviceAddress } from "../../service-address.ts";
import { contentHash } from "../../hash.ts";
import { labelKeys } from "../../labels.ts";
import { restrictedContainer } from "../../restricted.ts";
import { ownPod, singlePod } from "../../single-pod.ts";
import { dnsPolicy } from "../policies.ts";
import { networkPolicy } from "../policy.ts";
import { coreDnsArgs, DNS_PORT, DNS_PROBES, renderEgressDnsFiles } from "./corefile.ts";

export interface EgressDnsArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Image of CoreDNS. */
  readonly image: string;
  /** Address by name: all that agents can look up. */
  readonly addresses: pulumi.Input<Record<string, string>>;
  /** Labels that every namespace of the stack's agents has. */
  readonly agentNamespaces: Record<string, string>;
}

const NAME = "egress-dns";
const MOUNT = "/etc/coredns";
/** The user of CoreDNS's distroless image. */
const USER = 65_532;

/** The agents' DNS: it knows a few names and forwards nothing. */
export class EgressDns extends pulumi.ComponentResource {
  /** Address of its Service, for `dnsConfig.nameservers`. */
  readonly address: pulumi.Output<string>;
  /** The Service: to depend on it is to wait until these addresses are what it answers. */
  readonly service: k8s.core.v1.Service;

  constructor(name: string, args: EgressDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:egress:EgressDns", name, {}, opts);
    const { namespace, agentNamespaces } = args;

    const files = pulumi
      .output(args.addresses)
      .apply((addresses) => renderEgressDnsFiles({ mountPath: MOUNT, addresses }));
    const config = new k8s.core.v1.ConfigMap(
      `${name}-config`,
      { metadata: { namespace, name: NAME }, data: files },
      { parent: this },
    );
    const policy = networkPolicy(
      `${name}-policy`,
      { namespace, policyName: NAME, spec: dnsPolicy({ agentNamespaces }) },
      { parent: this },
    );

    const { deployment, selector } = singlePod(
      `${name}-deployment`,
      ownPod({
        namespace,
        labels: { [labelKeys.role]: "dns" },
        annotations: {
          // A roll, and not CoreDNS's own reload, so that who waits for it waits for the answers.
          "claude-gateway/config-hash": files.apply((files) => contentHash(JSON.stringify(files))),
        },
        user: USER,
        pod: {
          // It asks nobody, itself included.
          dnsPolicy: "None",
          dnsConfig: { nameservers: ["127.0.0.1"] },
          containers: [
            {
              name: "coredns",
              image: args.image,
              args: coreDnsArgs(MOUNT),
              ports: [
                { name: "dns", containerPort: DNS_PORT, protocol: "UDP" },
                { name: "dns-tcp", containerPort: DNS_PORT, protocol: "TCP" },
              ],
              securityContext: {
                ...restrictedContainer,
                // Its file asks for this capability: without it, the kernel does not even start it.
                capabilities: {
                  ...restrictedContainer.capabilities,
                  add: ["NET_BIND_SERVICE"],
                },
              },
              resources: {
                requests: { cpu: "20m", memory: "32Mi" },
                limits: { memory: "128Mi" },
              },
              readinessProbe: {
                httpGet: { path: "/ready", port: DNS_PROBES.ready },
                periodSeconds: 1,
              },
              livenessProbe: {
                httpGet: { path: "/health", port: DNS_PROBES.health },
                periodSeconds: 10,
              },
              volumeMounts: [{ name: "config", mountPath: MOUNT, readOnly: true }],
            },
          ],
          volumes: [{ name: "config", configMap: { name: config.metadata.name } }],
        },
      }),
      { parent: this, dependsOn: [policy] },
    );

    // Look-ups go to the pod with these answers, once it is Ready.
    const service = new k8s.core.v1.Service(
      `${name}-service`,
      {
        metadata: { namespace, name: NAME, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          selector,
          ports: [
            { name: "dns", port: 53, protocol: "UDP", targetPort: "dns" },
            { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: "dns-tcp" },
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
