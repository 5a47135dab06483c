import { body } from "./body.ts";
import { caching } from "./caching.ts";
import type { Check } from "./check.ts";
import { claudeCode } from "./claude-code.ts";
import { configuration } from "./configuration.ts";
import { cost } from "./cost.ts";
import { disconnect } from "./disconnect.ts";
import { errors } from "./errors.ts";
import { headers } from "./headers.ts";
import { ownErrors } from "./own-errors.ts";
import { provokedErrors, provokedTools } from "./provoked.ts";
import { size } from "./size.ts";
import { streaming } from "./streaming.ts";
import { tools } from "./tools.ts";

/** Every check, by theme, in the order of reports. */
export const checks: readonly Check[] = [
  ...errors,
  ...provokedErrors,
  ...ownErrors,
  ...caching,
  ...body,
  ...headers,
  ...streaming,
  ...tools,
  ...provokedTools,
  ...size,
  ...disconnect,
  ...claudeCode,
  ...cost,
  ...configuration,
];
