import * as pulumi from "@pulumi/pulumi";
import type { BudgetLimits } from "./limits.ts";
import { Ratelimit, RATELIMIT_SERVICE } from "./ratelimit.ts";
import { Valkey } from "./valkey.ts";

export interface BudgetsArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Images by part. */
  readonly images: {
    readonly ratelimit: string;
    readonly valkey: string;
    /** For the container that waits for Valkey. */
    readonly node: string;
  };
  /** The limits. At least one. */
  readonly limits: BudgetLimits;
}

/** What counts the agents' spending. Its names do not depend on the path, so the counts survive a toggle. */
export class Budgets extends pulumi.ComponentResource {
  /** Host name of the rate-limit service. */
  readonly host: pulumi.Output<string>;
  /** What must be Ready before Envoy asks. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: BudgetsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:usage:Budgets", name, {}, opts);
    const { namespace, images, limits } = args;

    const valkey = new Valkey(
      `${name}-valkey`,
      { namespace, image: images.valkey },
      { parent: this },
    );
    const ratelimit = new Ratelimit(
      `${name}-ratelimit`,
      { namespace, images, limits, valkey: valkey.endpoint },
      { parent: this, dependsOn: [valkey.statefulSet] },
    );

    this.host = pulumi.interpolate`${RATELIMIT_SERVICE}.${namespace}.svc.cluster.local`;
    this.ready = [ratelimit.service];
    this.registerOutputs({ host: this.host });
  }
}
