import * as pulumi from "@pulumi/pulumi";
import { labelKeys } from "../../kubernetes/labels.ts";
import { DNS_PORT } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { ServedWorkload, type ServedWorkloadArgs } from "../../kubernetes/served-workload.ts";
import { withoutDns } from "../../kubernetes/without-dns.ts";
import { coreDnsArgs, DNS_PROBES, renderEgressDnsFiles } from "./corefile.ts";
import { dnsPolicy } from "./policy.ts";

export interface EgressDnsArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Image of CoreDNS. */
  readonly image: string;
  /** Address by name: all names that agents can look up. */
  readonly addresses: pulumi.Input<Record<string, string>>;
  /** Labels that every namespace of the stack's agents has. */
  readonly agentNamespaces: Record<string, string>;
}

const NAME = "egress-dns";
const MOUNT = "/etc/coredns";
/** The user of CoreDNS's distroless image. */
const USER = 65_532;

/** The agents' DNS. It knows a few names and forwards nothing. Its address belongs in `dnsConfig.nameservers`. */
export class EgressDns extends ServedWorkload {
  constructor(name: string, args: EgressDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:egress:EgressDns", name, dnsWorkload(args), opts);
  }
}

function dnsWorkload(args: EgressDnsArgs): ServedWorkloadArgs {
  return {
    namespace: args.namespace,
    objectName: NAME,
    labels: { [labelKeys.role]: "dns" },
    policy: dnsPolicy(args.agentNamespaces),
    user: USER,
    files: [
      {
        volume: "config",
        objectName: NAME,
        mountPath: MOUNT,
        data: pulumi
          .output(args.addresses)
          .apply((addresses) => renderEgressDnsFiles({ mountPath: MOUNT, addresses })),
        // A new pod instead of CoreDNS's own reload: once the pod is Ready, it gives the new answers.
        rollsOn: { name: "config", text: (files) => JSON.stringify(files) },
      },
    ],
    container: {
      name: "coredns",
      image: args.image,
      args: coreDnsArgs(MOUNT),
      ports: [
        { name: "dns", containerPort: DNS_PORT, protocol: "UDP" },
        { name: "dns-tcp", containerPort: DNS_PORT, protocol: "TCP" },
      ],
      securityContext: {
        ...restrictedContainer,
        // The binary has this file capability; the kernel does not start it without.
        capabilities: { ...restrictedContainer.capabilities, add: ["NET_BIND_SERVICE"] },
      },
      resources: { requests: { cpu: "20m", memory: "32Mi" }, limits: { memory: "128Mi" } },
      readinessProbe: { httpGet: { path: "/ready", port: DNS_PROBES.ready }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: "/health", port: DNS_PROBES.health }, periodSeconds: 10 },
    },
    pod: withoutDns,
    ports: [
      { name: "dns", port: 53, protocol: "UDP", targetPort: "dns" },
      { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: "dns-tcp" },
    ],
  };
}
