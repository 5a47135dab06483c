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
  /** Host name of the gateway's Service, and its address. */
  readonly gateway: { readonly host: string; readonly address: pulumi.Input<string> };
  /** The allowlist. */
  readonly allow: readonly string[];
  /** Labels that every namespace of the stack's agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Labels of what is made outside namespaces. */
  readonly labels: Record<string, string>;
}

/** What keeps agents' pods in, beside the policies of each namespace: their DNS, the start gate and admission. */
export class Egress extends pulumi.ComponentResource {
  /** Address of the agents' DNS. */
  readonly dnsAddress: pulumi.Output<string>;
  /** What an agent's pod begins with. */
  readonly gate: pulumi.Output<GateContainer>;
  /** What an agent's pod depends on. */
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

/** All that the agents' DNS knows: the gateway, and as the gateway every host that is reached through it by TLS. */
export function egressDnsAddresses(args: {
  readonly host: string;
  readonly address: string;
  readonly hosts: readonly string[];
}): Record<string, string> {
  return Object.fromEntries([args.host, ...args.hosts].map((name) => [name, args.address]));
}
