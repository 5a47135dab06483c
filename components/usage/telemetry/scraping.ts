import * as pulumi from "@pulumi/pulumi";
import { networkPolicy } from "../../kubernetes/network-policy.ts";
import { metricsPorts, scrapePolicy } from "./policy.ts";
import type { Scraper } from "./schema.ts";

export interface ScrapingArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Pods that may read the metrics. At least one: a rule without a peer would let everybody in. */
  readonly from: readonly Scraper[];
}

/** Lets the named pods read the metrics of the gateway's pods, whatever path is deployed. */
export class Scraping extends pulumi.ComponentResource {
  constructor(name: string, args: ScrapingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:usage:Scraping", name, {}, opts);
    if (args.from.length === 0) throw new Error("from is empty: make no Scraping at all");
    for (const role of Object.keys(metricsPorts) as (keyof typeof metricsPorts)[]) {
      networkPolicy(
        `${name}-${role}`,
        {
          namespace: args.namespace,
          policyName: `scrape-${role}`,
          spec: scrapePolicy(role, args.from),
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
