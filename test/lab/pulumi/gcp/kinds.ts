import { ACCESS } from "./access.ts";
import { COMPUTE } from "./compute.ts";
import type { Kind } from "./kind.ts";
import { MONITORING } from "./monitoring.ts";

/** The kinds of resource in a host stack, by type token. */
export const KINDS: Readonly<Record<string, Kind>> = { ...COMPUTE, ...MONITORING, ...ACCESS };
