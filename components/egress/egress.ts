import * as pulumi from "@pulumi/pulumi";
import type { Variant } from "../gateway/paths/variant.ts";
import { AgentAdmission } from "./admission.ts";
import { EgressDns } from "./dns/dns.ts";
import { type GateContainer, gateContainer } from "./gate/gate.ts";
import { Probe } from "./gate/probe.ts";

export interface EgressArgs {
  /** Namespace of the gateway. */
  readonly namespace: string;
  readonly variant: Variant;
  readonly images: { readonly coredns: string; readonly node: string };
  /** Host name and address of the gateway's Service. */
  readonly gateway: { readonly host: string; readonly address: pulumi.Input<string> };
  /** Host names from `egress.allow`. */
  readonly allow: readonly string[];
  /** Labels that every namespace of the stack's agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Labels of the cluster-wide objects. */
  readonly labels: Record<string, string>;
}

/** What limits agents' network access besides the policies of each namespace: their DNS, the start gate and admission. */
export class Egress extends pulumi.ComponentResource {
  /** Address of the agents' DNS. */
  readonly dnsAddress: pulumi.Output<string>;
  /** The first init container of an agent's pod. */
  readonly gate: pulumi.Output<GateContainer>;
  /** What an agent's pod must depend on. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: EgressArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:egress:Egress", name, {}, opts);
    const { namespace, agentNamespaces, images, gateway } = args;

    const dns = new EgressDns(
      `${name}-dns`,
      {
        namespace,
        agentNamespaces,
        image: images.coredns,
        addresses: pulumi.output(gateway.address).apply((address) =>
          egressDnsAddresses({
            ...gateway,
            address,
            hosts: args.variant.tlsHosts(args.allow),
          }),
        ),
      },
      { parent: this },
    );
    const probe = new Probe(
      `${name}-probe`,
      { namespace, agentNamespaces, image: images.node },
      { parent: this },
    );
    this.dnsAddress = dns.address;
    this.gate = probe.address.apply((probeAddress) =>
      gateContainer({ image: images.node, probeAddress }),
    );

    const admission = new AgentAdmission(
      `${name}-admission`,
      {
        objectName: `claude-gateway-agents-${namespace}`,
        labels: args.labels,
        agentNamespaces,
        gate: this.gate,
        dnsAddress: this.dnsAddress,
      },
      { parent: this },
    );

    this.ready = [dns.service, probe.service, admission.binding];
    this.registerOutputs({ dnsAddress: this.dnsAddress, gate: this.gate });
  }
}

/** The names in the agents' DNS: the gateway, and every host that agents reach through it by TLS, all with its address. */
export function egressDnsAddresses(args: {
  readonly host: string;
  readonly address: string;
  readonly hosts: readonly string[];
}): Record<string, string> {
  return Object.fromEntries([args.host, ...args.hosts].map((name) => [name, args.address]));
}
