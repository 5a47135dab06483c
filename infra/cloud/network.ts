import * as pulumi from "@pulumi/pulumi";
import { Address } from "@pulumi/gcp/compute/address.js";
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

/**
 * Ports of Cloud NAT for the one machine. Each connection to the same address needs a port of its own, and keeps it for
 * {@link TIME_WAIT_SECONDS} after its end. Both numbers must be powers of two, and the first the smaller one. One NAT
 * address has 64,512 ports, so the maximum never takes a second address. Ports are free of charge; the NAT gives more
 * of them only after the machine has used up what it has, and drops new connections until then: so start with enough.
 * https://cloud.google.com/nat/docs/ports-and-addresses
 */
export const NAT_PORTS = { min: 16_384, max: 32_768 } as const;

/** How long Cloud NAT keeps the port of a closed connection: Google's default, written down because the sizes depend on it. */
export const TIME_WAIT_SECONDS = 120;

export interface NetworkArgs {
  /** GCE name of the network; the names of its parts start with it. */
  readonly name: string;
  readonly region: string;
  /** Reserve the address that the machine's traffic leaves from, so that it stays and is known. Default: Google's choice. */
  readonly reserveAddress: boolean;
  /** Protects the reserved address from deletion: it is in other people's allowlists. */
  readonly protect: boolean;
}

/**
 * A network for one machine. Ingress: only SSH and the Kubernetes API, through Identity-Aware Proxy. Egress: only TCP 443,
 * through Cloud NAT. (A VPC firewall does not apply to the metadata server, which is also the DNS and NTP server.)
 */
export class Network extends pulumi.ComponentResource {
  readonly subnetworkId: pulumi.Output<string>;
  /** The reserved address; undefined if Google chooses. */
  readonly address: pulumi.Output<string> | undefined;
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
    const address = args.reserveAddress
      ? new Address(
          `${name}-address`,
          { name: args.name, region: args.region },
          { parent: this, protect: args.protect },
        )
      : undefined;
    const nat = new RouterNat(
      `${name}-nat`,
      {
        name: args.name,
        router: router.name,
        region: args.region,
        ...(address === undefined
          ? { natIpAllocateOption: "AUTO_ONLY" }
          : { natIpAllocateOption: "MANUAL_ONLY", natIps: [address.selfLink] }),
        enableDynamicPortAllocation: true,
        // GCE refuses both together.
        enableEndpointIndependentMapping: false,
        minPortsPerVm: NAT_PORTS.min,
        maxPortsPerVm: NAT_PORTS.max,
        tcpTimeWaitTimeoutSec: TIME_WAIT_SECONDS,
        // A connection that found no port is visible in Cloud Logging, and nowhere else.
        logConfig: { enable: true, filter: "ERRORS_ONLY" },
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
    this.address = address?.address;
    this.ready = [nat, ...rules];
    this.registerOutputs({ subnetworkId: this.subnetworkId, address: this.address });
  }
}
