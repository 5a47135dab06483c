import type { VariantName } from "../../../../components/gateway/paths/index.ts";
import type { ServerFetch } from "../../../../components/gateway/envoy/server-fetch.ts";
import type { ProviderName } from "../../../../components/gateway/providers/index.ts";
import type { CheckContext } from "../checks/check.ts";

/** A gateway to measure. */
export interface Subject {
  /** Name of the stack, or the URL of a gateway that is not ours. */
  readonly stack: string;
  /** Column of the table of known losses; `external` for a gateway that is not ours, which has no column. */
  readonly path: VariantName | "external";
  /** The provider, if it is not Anthropic's API. */
  readonly provider?: ProviderName;
  /** Versions of the running parts. */
  readonly versions: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  /** Whether the stack lets the API fetch for agents. Default `allow`. */
  readonly serverFetch?: ServerFetch | undefined;
  readonly context: CheckContext;
  /** Ends the client that was started for the measurement. A check that still runs then fails. */
  readonly close: () => void;
}
