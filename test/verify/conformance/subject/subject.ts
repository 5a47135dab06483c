import type { VariantName } from "../../../../components/gateway/paths/index.ts";
import type { CheckContext } from "../checks/check.ts";

/** A gateway that is measured. */
export interface Subject {
  /** Name of the stack, or the URL of a gateway that is not ours. */
  readonly stack: string;
  /** Column of the table of losses; `external` where nobody reviewed any. */
  readonly path: VariantName | "external";
  /** What runs, by part. */
  readonly versions: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  readonly context: CheckContext;
  /** Ends what was started for the measurement; what is being measured then fails. */
  readonly close: () => void;
}
