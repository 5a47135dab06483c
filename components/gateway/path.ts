import type * as pulumi from "@pulumi/pulumi";
import type { Collector } from "../usage/telemetry/collector.ts";
import type { CallerTokens } from "./api/credentials.ts";
import type { PriceTable } from "../usage/prices/table.ts";
import type { ExtraRoute } from "./api/endpoints.ts";
import type { BudgetsArgs } from "./envoy/budgets.ts";
import type { ServerFetch } from "./envoy/server-fetch.ts";
import type { Variant } from "./paths/variant.ts";
import type { RealCredential } from "./real-credential.ts";

/** The OTLP receiver of records and of agents' telemetry. */
export interface OtlpReceiver extends Collector {
  /** Its headers' values by name. The names are no secret. */
  readonly headers: Readonly<Record<string, pulumi.Input<string>>>;
}

/** What every path needs to be deployed. */
export interface PathArgs {
  /** The variant that is deployed. */
  readonly variant: Variant;
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Images by part. */
  readonly images: {
    readonly litellm: string;
    readonly envoy: string;
    /** For the helpers beside Envoy: one drains it, one mints its credential. */
    readonly node: string;
  };
  /** Accepted tokens by agent. */
  readonly agents: pulumi.Input<CallerTokens>;
  /** The real credential. Absent where the agent holds it. */
  readonly credential?: RealCredential | undefined;
  /** Optional routes that Envoy opens besides the two message routes. */
  readonly routes: readonly ExtraRoute[];
  /** Hosts that agents reach by TLS. */
  readonly allowHosts: readonly string[];
  /** Whether agents may make the API's servers fetch something. Unused where Envoy does not see the requests. */
  readonly serverFetch: ServerFetch;
  /** Prices of the models that the meter counts. Default: the list prices. */
  readonly prices?: PriceTable;
  /** What agents may spend, on a metered variant. Default no limit. */
  readonly budgets?: pulumi.Input<BudgetsArgs> | undefined;
  /** Labels that every namespace of the agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Longest wait for open streams when a pod is replaced, in seconds. */
  readonly drainSeconds: number;
  /** Name of the claim on the record's volume. Default: no record. */
  readonly record?: pulumi.Input<string>;
  /** Where records and agents' telemetry go. Unused where Envoy does not see the answers. Default: nowhere. */
  readonly otlp?: OtlpReceiver | undefined;
}

/** What the Service `gateway` needs to know of a deployed path. */
export interface GatewayPath {
  /** Labels that select the pod that agents call. */
  readonly selector: Record<string, pulumi.Input<string>>;
  /** What must be Ready before the Service selects those pods. */
  readonly ready: readonly pulumi.Resource[];
}
