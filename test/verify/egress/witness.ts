import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Lab, runInLab } from "../../lab/cluster/index.ts";
import type { Arrival } from "./attempt.ts";

const TABLE = "inet witness";

// Runs before any rule or program can answer or drop a packet. Counts new TCP connections and every packet of other protocols.
const RULES = `table ${TABLE} {
}
delete table ${TABLE}
table ${TABLE} {
  set ports4 { typeof ip daddr . meta l4proto . th dport; flags dynamic; counter; size 65535; }
  set ports6 { typeof ip6 daddr . meta l4proto . th dport; flags dynamic; counter; size 65535; }
  set echoes4 { typeof ip daddr; flags dynamic; counter; size 65535; }
  chain arrivals {
    type filter hook prerouting priority raw; policy accept;
    iifname != "node" accept
    tcp flags & (syn | ack) != syn accept
    meta l4proto { tcp, udp } add @ports4 { ip daddr . meta l4proto . th dport }
    meta l4proto { tcp, udp } add @ports6 { ip6 daddr . meta l4proto . th dport }
    icmp type echo-request add @echoes4 { ip daddr }
  }
}
`;

/** Counts at the outer end of the lab's link what arrives there, whether it is answered or not. */
export class Witness {
  readonly #lab: Lab;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Starts counting. */
  static async start(lab: Lab): Promise<Witness> {
    await runInLab(lab, ["nft", "-f", "-"], { netns: "internet", input: RULES });
    return new Witness(lab);
  }

  /** What has arrived so far. */
  async counts(): Promise<Counts> {
    const [arrivals, lookUps] = await Promise.all([this.arrivals(), this.#lookUps()]);
    return { arrivals, lookUps };
  }

  /** Packets that have arrived so far, by destination. */
  async arrivals(): Promise<ReadonlyMap<string, number>> {
    const { stdout } = await runInLab(
      this.#lab,
      ["nft", "-j", "list", "table", ...TABLE.split(" ")],
      {
        netns: "internet",
      },
    );
    const counts = new Map<string, number>();
    for (const { set } of (JSON.parse(stdout) as { nftables: { set?: NftSet }[] }).nftables) {
      for (const { elem } of set?.elem ?? []) {
        const { val, counter } = elem;
        const key = typeof val === "string" ? `icmp ${val}` : destination(val.concat);
        counts.set(key, counter.packets);
      }
    }
    return counts;
  }

  async #lookUps(): Promise<string> {
    return readFile(join(this.#lab.logDir, "resolver.log"), "utf8");
  }

  /** Stops counting. */
  async stop(): Promise<void> {
    await runInLab(this.#lab, ["nft", "delete", "table", ...TABLE.split(" ")], {
      netns: "internet",
    });
  }
}

/** What has arrived outside so far. */
export interface Counts {
  /** Packets by destination, with names from {@link arrivalKey}. */
  readonly arrivals: ReadonlyMap<string, number>;
  /** The names that the outside resolver was asked for. */
  readonly lookUps: string;
}

interface NftSet {
  readonly elem?: readonly {
    readonly elem: {
      readonly val: string | { readonly concat: readonly [string, string, number] };
      readonly counter: { readonly packets: number };
    };
  }[];
}

function destination([address, protocol, port]: readonly [string, string, number]): string {
  return `${protocol} ${address} ${port}`;
}

/** The name of a destination in {@link Witness.arrivals}. */
export function arrivalKey({ protocol, address, port }: Arrival): string {
  return protocol === "icmp" ? `icmp ${address}` : `${protocol} ${address} ${port}`;
}

/** Traffic of the cluster itself: Envoy's look-ups, through cluster DNS. */
const BACKGROUND = ["udp 169.254.169.254 53", "tcp 169.254.169.254 53"];

/** The increase of packets per destination between two counts, without the cluster's own look-ups. */
export function newArrivals(
  before: Counts["arrivals"],
  after: Counts["arrivals"],
): Map<string, number> {
  const more = new Map<string, number>();
  for (const [key, count] of after) {
    const earlier = before.get(key) ?? 0;
    if (count > earlier && !BACKGROUND.includes(key)) more.set(key, count - earlier);
  }
  return more;
}
