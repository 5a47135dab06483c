import * as pulumi from "@pulumi/pulumi";
import { Firewall, type FirewallArgs } from "@pulumi/gcp/compute/firewall.js";
import { Network as Vpc } from "@pulumi/gcp/compute/network.js";
import { Router } from "@pulumi/gcp/compute/router.js";
import { RouterNat } from "@pulumi/gcp/compute/routerNat.js";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork.js";

import { API_PORT } from "../machine/k3s-config.ts";

/** Source addresses of Identity-Aware Proxy. */
export const IAP_RANGE = "35.235.240.0/20";

/** The machine's own subnet. It does not overlap k3s's pod and Service ranges. */
export const SUBNET_RANGE = "10.41.0.0/24";

const EVERYWHERE = "0.0.0.0/0";

/** Priorities of the firewall's rules: the smaller number wins. */
const ALLOW = 1000;
const DENY = 65_534;

export interface NetworkArgs {
  /** GCE name of the network; the names of its parts start with it. */
  readonly name: string;
  readonly region: string;
}

/**
 * A network for one machine. Ingress: only SSH and the Kubernetes API, through Identity-Aware Proxy. Egress: only TCP 443,
 * through Cloud NAT. (A VPC firewall does not apply to the metadata server, which is also the DNS and NTP server.)
 */
export class Network extends pulumi.ComponentResource {
  readonly subnetworkId: pulumi.Output<string>;
  /** What must exist before the machine can download anything. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:infra:Network", name, {}, opts);
    const parent = { parent: this };

    const vpc = new Vpc(`${name}-vpc`, { name: args.name, autoCreateSubnetworks: false }, parent);
    const subnetwork = new Subnetwork(
      `${name}-subnet`,
      {
        name: args.name,
        network: vpc.id,
        region: args.region,
        ipCidrRange: SUBNET_RANGE,
        privateIpGoogleAccess: true,
      },
      parent,
    );
    const router = new Router(
      `${name}-router`,
      { name: args.name, network: vpc.id, region: args.region },
      parent,
    );
    const nat = new RouterNat(
      `${name}-nat`,
      {
        name: args.name,
        router: router.name,
        region: args.region,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
        subnetworks: [{ name: subnetwork.id, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
      },
      parent,
    );
    const firewall = (suffix: string, rule: Omit<FirewallArgs, "name" | "network">) =>
      new Firewall(
        `${name}-${suffix}`,
        { name: `${args.name}-${suffix}`, network: vpc.id, ...rule },
        parent,
      );
    const rules = [
      firewall("iap", {
        direction: "INGRESS",
        priority: ALLOW,
        sourceRanges: [IAP_RANGE],
        allows: [{ protocol: "tcp", ports: ["22", String(API_PORT)] }],
      }),
      firewall("deny-ingress", {
        direction: "INGRESS",
        priority: DENY,
        sourceRanges: [EVERYWHERE],
        denies: [{ protocol: "all" }],
      }),
      firewall("https", {
        direction: "EGRESS",
        priority: ALLOW,
        destinationRanges: [EVERYWHERE],
        allows: [{ protocol: "tcp", ports: ["443"] }],
      }),
      firewall("deny-egress", {
        direction: "EGRESS",
        priority: DENY,
        destinationRanges: [EVERYWHERE],
        denies: [{ protocol: "all" }],
      }),
    ];

    this.subnetworkId = subnetwork.id;
    this.ready = [nat, ...rules];
    this.registerOutputs({ subnetworkId: this.subnetworkId });
  }
}
